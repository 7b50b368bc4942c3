//! The exam end to end: stories over real HTTP against the real server.

mod analysis;
mod authoring;
mod bad_input;
mod certificates;
mod closing;
mod command_line;
mod crash;
mod demo;
mod devices;
mod gates;
mod history;
mod integrity;
mod overrides;
mod oversight;
mod pages;
mod people;
mod people_import;
mod proctor;
mod queue;
mod regrade;
mod release;
mod road;
mod shape;
mod stop;
mod together;
mod wire;
