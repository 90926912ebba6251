//! What the host needs of the machine: the clock, the disk, atomic files, the data folder and its installation, and the
//! crash points of the tests. It knows nothing of scans. Begin with [`data_folder`].

pub mod atomic;
pub mod clock;
pub mod data_folder;
pub mod disk;
pub mod failpoint;
pub mod held_folder;
pub mod installation;
pub mod pace;
