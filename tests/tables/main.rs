//! Tables, lines of fixed width and JSON by definitions of one's own: values are what stands there or are refused, both ways;
//! a broken document spoils no other; limits hold; what a definition or an input leaves open is told.

mod defined;
mod documents;
mod drafted;
mod limits;
mod recognition;
mod values;
mod written;
