//! The edge that all callers meet, and their connections.

mod connections;
mod edge;
mod wrong_parts;
