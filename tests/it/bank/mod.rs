//! Banks over real data that nobody here wrote.

mod item_analysis;
mod psychometrics;
mod shared_data;
mod text_formats;
