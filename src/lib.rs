//! Minhu (民呼): a bot for public complaints in Chinese counties, in the chats where people already are.
//!
//! `docs/architecture.md` shows the house: floors from top to bottom, each module using only what is below it.

pub mod app;
pub mod audit;
pub mod bot;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod log;
pub mod media;
pub mod message;
pub mod metrics;
pub mod outbox;
pub mod people;
pub mod seal;
pub mod text;
pub mod tickets;
pub mod web;
