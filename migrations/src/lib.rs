//! Schema steps; imports no entity.
