//! AS2 as a protocol: what is sealed is opened again, what OpenSSL makes is opened and what we make it takes, and what is wrong
//! is told for what it is.

mod damage;
mod keys;
mod made;
mod openssl;
mod round;
