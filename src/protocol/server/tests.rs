//! What can only be tested from inside: the far end of the sequence numbers.
