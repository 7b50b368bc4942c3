//! Banks over real data that nobody here wrote.

mod psychometrics;
mod shared_data;
mod text_formats;
