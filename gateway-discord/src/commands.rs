//! Application commands from the catalogue, and back to the words of a command line.
