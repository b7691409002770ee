//! The proof of the life-cycle table: every row walked by everybody, and random histories against a plain model.
#![cfg(test)]

mod county;
mod histories;
mod lines;
mod model;
mod walk;
