//! Banks over real data that nobody here wrote.

mod psychometrics;
mod text_formats;
