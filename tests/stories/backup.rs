//! A running installation is backed up as docs/backup.md says, lost, restored and verified.
