# The lowest versions of the tools that the tests work with: the only place that says so.
# Sourced by the other scripts. (The lowest version of Rust is in Cargo.toml.)

# As in Debian 12, if there is no other reason.
MIN_NODE=18.0
MIN_PYTHON=3.9
# The Python that PyPy speaks.
MIN_PYPY=3.9
MIN_VALGRIND=3.19
# A C compiler for other systems, from the Python packages.
ZIGLANG=0.17.1
# Reads the current form of deny.toml.
MIN_CARGO_DENY=0.20.2
# Makes the book, in just this version.
MDBOOK=0.5.4
# Read the tables in Cargo.toml that describe the packages of the server.
MIN_CARGO_DEB=3.8.0
MIN_CARGO_GENERATE_RPM=0.21.1
# Reads .cargo/mutants.toml.
MIN_CARGO_MUTANTS=27.1.0
