//! The proof of the life-cycle table: every row walked by everybody, and random histories against a plain model,
//! one command after the other and several at the same time.
#![cfg(test)]

mod clumps;
mod county;
#[path = "../support/database.rs"]
mod database;
mod histories;
mod lines;
mod model;
mod walk;
