//! Listings: whole, kept, and confirmed.

mod long;
mod tags;
mod unchanged;
