//! The rule file: read, checked, compiled, evaluated, explained.
