//! otj: a Join button in every meeting room, from a git repository.

pub mod model;

pub mod diagnostic;

pub mod invitation;
pub mod rules;

pub mod meetings;

pub mod config;

pub mod http;
pub mod listen;

pub mod auth;
pub mod ews;

pub mod calendar;
pub mod endpoint;

pub mod store;

pub mod reconcile;

pub mod status;
pub mod web;

pub mod sim;

pub mod cli;
