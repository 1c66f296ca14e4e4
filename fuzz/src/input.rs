//! An input as a list of things that happen, so that each of its bytes means the same whatever comes before it.

/// The input of a target, from front to back. Beyond its end everything is zero and empty.
#[derive(Clone, Copy)]
pub struct Input<'a>(&'a [u8]);

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    /// What it is.
    pub what: u8,
    /// Whom it happens to, or how much.
    pub number: u8,
    /// What comes with it.
    pub data: &'a [u8],
}

impl<'a> Input<'a> {
    /// The whole input.
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether all of it was read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// The next bytes, behind their number in one byte.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }
}

/// The rest of the input.
impl<'a> Iterator for Input<'a> {
    type Item = Action<'a>;

    fn next(&mut self) -> Option<Action<'a>> {
        if self.is_empty() {
            return None;
        }
        Some(Action { what: self.byte(), number: self.byte(), data: self.bytes() })
    }
}
