//! What a report comes to in other forms than pages: in short, against another, and as files for other programs.
//! What an independent implementation in Python makes of the same reports is what they have to say.

mod compare;
mod csv;
mod parquet;
mod scanned;
mod shaped;
mod summary;
