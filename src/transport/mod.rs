//! Ways in and out. A transport knows its protocol and its sockets; what it carries it does not look into, and what is
//! kept it leaves to those who give it a receiver.

pub mod as2; // messages signed, encrypted and receipted, without sockets
pub mod file_name; // names of files as others give them
pub mod folder; // folders of this machine
pub mod http; // bodies posted to us, and bodies we post
pub mod place; // what a folder of files can do, wherever it is
pub mod sftp; // mailboxes that partners reach, and folders of theirs that we do
pub mod smtp; // mails out
pub mod source; // bytes that are read again from their begin
