//! Small programs that use the crates one by one.
