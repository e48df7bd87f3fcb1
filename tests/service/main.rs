//! The service as its users meet it: the real binary, real sockets, the real command line. Each test has an instance of
//! its own in a temporary folder; partners are small listeners that note what they get and answer as the test wants.

mod acknowledgment;
mod admin;
mod advice;
mod as2;
mod as2_attachments;
mod as2_crash;
mod as2_evidence;
mod as2_explain;
mod as2_import;
mod as2_offered;
mod as2_overlap;
mod as2_test;
mod as2_wire;
mod auth;
#[path = "../backend/mod.rs"]
mod backend;
mod bad_input;
mod batch;
mod certificate;
mod certificate_file;
mod configuration;
mod crash;
mod cxml;
mod delivery;
mod demo;
mod echo;
mod edi;
mod gather;
mod http;
mod large;
mod markup;
mod peer;
mod pickup;
mod proxy;
mod resource;
mod secure;
mod server;
mod sftp;
mod split;
mod stage;
mod table;
mod transform;
mod ubl;
mod webhook;
