//! The loop: what is wished against what is known, as steps.
//!
//! In: a directory, calendars and endpoints behind the [`world::World`] trait, and requests to look again. Out: steps
//! performed on that world, a [`board::Board`] that says where wish and world differ and why, published schedules.

pub mod audit;
pub mod board;
pub mod desk;
pub mod due;
pub mod gate;
pub mod keep;
pub mod marks;
pub mod observed;
pub mod order;
pub mod pace;
pub mod perform;
pub mod plan;
pub mod planner;
pub mod records;
pub mod run;
pub mod sim_world;
pub mod step;
pub mod suspension;
pub mod wall;
pub mod world;
