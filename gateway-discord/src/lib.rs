//! The Discord gateway: durable before it is acknowledged, several replicas side by side.

mod commands;
mod modal;
mod render;
