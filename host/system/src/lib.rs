//! What the host needs of the machine below it: the clock, the disk, files that are whole or not there, the data folder and
//! whose it is, and the crash points of the tests. It knows nothing of scans. Begin with [`data_folder`].

pub mod atomic;
pub mod clock;
pub mod data_folder;
pub mod disk;
pub mod failpoint;
pub mod installation;
pub mod pace;
