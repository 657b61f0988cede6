//! The answer to `GetStreamingEvents`: one body that goes on for up to half an hour, in which one envelope follows the other. Pieces
//! of it in, envelopes out, each as soon as its last byte is there; how the body was cut into pieces makes no difference.
//!
//! Only where an envelope ends is found here, byte by byte, with what XML needs for that: tags, quotes, comments, CDATA and
//! processing instructions. The envelope itself is read as every other answer is, with its limits.
//!
//! | limit | why |
//! |---|---|
//! | 4 MiB an envelope | 200 subscriptions tell at most 50 events of half a kilobyte each in one turn, and mostly one |
//! | DOCTYPE refused as soon as it begins | SOAP forbids it |
//! | nothing but white space between envelopes | a proxy's page must not be waited for |
//!
//! How long to wait for the next envelope is the caller's to decide. A server that has nothing to tell says that it lives every 45 s.

use super::notices::Streamed;
use super::{Reply, ToldFault};
use crate::ews::tree::{Element, Limits, TreeFault};

/// Longest envelope, in bytes.
pub const ENVELOPE_MAX: usize = 4 << 20;

/// What is read of one envelope.
const LIMITS: Limits = Limits { bytes: ENVELOPE_MAX, ..Limits::ANSWER };

/// A streaming answer on its way.
#[derive(Default)]
pub struct Stream {
    /// The envelope that is not yet whole.
    bytes: Vec<u8>,
    at: At,
    depth: usize,
    failed: bool,
}

impl Stream {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the body, and gives the envelopes that it completes. A failure is the last there is: the body is of
    /// no use from there on.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Result<Streamed, ToldFault>> {
        let mut told = Vec::new();
        for &byte in piece {
            if self.failed {
                break;
            }
            if let Some(outcome) = self.take(byte) {
                self.failed = outcome.is_err();
                told.push(outcome);
            }
        }
        told
    }

    /// The body has ended.
    ///
    /// # Errors
    /// When it ended within an envelope.
    pub fn finish(self) -> Result<(), ToldFault> {
        if self.failed || self.bytes.is_empty() { Ok(()) } else { Err(TreeFault::Malformed.into()) }
    }

    fn take(&mut self, byte: u8) -> Option<Result<Streamed, ToldFault>> {
        if self.bytes.is_empty() && (byte.is_ascii_whitespace() || BYTE_ORDER_MARK.contains(&byte)) {
            return None;
        }
        if self.bytes.len() >= ENVELOPE_MAX {
            return Some(Err(TreeFault::TooLarge.into()));
        }
        self.bytes.push(byte);
        match self.step(byte) {
            Ok(false) => None,
            Ok(true) => {
                let envelope = std::mem::take(&mut self.bytes);
                (self.at, self.depth) = (At::Text, 0);
                Some(read(&envelope))
            }
            Err(fault) => Some(Err(fault)),
        }
    }

    /// Whether the envelope is whole with this byte.
    fn step(&mut self, byte: u8) -> Result<bool, ToldFault> {
        let malformed = || Err(TreeFault::Malformed.into());
        self.at =
            match (self.at, byte) {
                (At::Text, b'<') => At::Begin,
                (At::Text, _) if self.depth == 0 && !byte.is_ascii_whitespace() => return Err(ToldFault::NotSoap),
                (At::Text, _) => At::Text,
                (At::Begin, b'/') if self.depth == 0 => return malformed(),
                (At::Begin, b'/') => At::EndTag,
                (At::Begin, b'!') => At::Mark(0),
                (At::Begin, b'?') => At::Until(b"?>", 0),
                (At::Begin, b'>' | b'<') => return malformed(),
                (At::Begin | At::StartTag { .. }, b'\'' | b'"') => At::Quoted(byte),
                (At::Begin, _) => At::StartTag { slash: false },
                (At::Quoted(quote), _) if byte == quote => At::StartTag { slash: false },
                (At::Quoted(quote), _) => At::Quoted(quote),
                (At::StartTag { slash }, b'>') => {
                    self.depth += usize::from(!slash);
                    if self.depth == 0 {
                        return Ok(true);
                    }
                    At::Text
                }
                (At::StartTag { .. }, _) => At::StartTag { slash: byte == b'/' },
                (At::EndTag, b'>') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(true);
                    }
                    At::Text
                }
                (At::EndTag, _) => At::EndTag,
                (At::Mark(0), b'-') => At::Mark(1),
                (At::Mark(1), b'-') => At::Until(b"-->", 0),
                (At::Mark(0), b'[') => At::Section(1),
                (At::Section(seen), _) if CDATA.get(seen) == Some(&byte) && self.depth > 0 => {
                    if seen + 1 == CDATA.len() { At::Until(b"]]>", 0) } else { At::Section(seen + 1) }
                }
                (At::Mark(0), b'D' | b'd') => return Err(TreeFault::Doctype.into()),
                (At::Mark(_) | At::Section(_), _) => return malformed(),
                (At::Until(end, seen), _) => match matched(end, seen, byte) {
                    seen if seen == end.len() => At::Text,
                    seen => At::Until(end, seen),
                },
            };
        Ok(false)
    }
}

/// Hides what has come.
impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stream({} bytes of an envelope)", self.bytes.len())
    }
}

/// Where in the text the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum At {
    /// Between tags.
    #[default]
    Text,
    /// Behind `<`.
    Begin,
    /// Behind `<!` and so many hyphens.
    Mark(usize),
    /// Behind `<!` and so many bytes of `[CDATA[`.
    Section(usize),
    /// In what ends with these bytes, of which so many have just been seen.
    Until(&'static [u8], usize),
    /// In `<name …`, perhaps behind a slash.
    StartTag { slash: bool },
    /// In a value of it.
    Quoted(u8),
    /// In `</name`.
    EndTag,
}

const CDATA: &[u8] = b"[CDATA[";

/// May stand before each envelope: who writes them one by one may mark them one by one.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// How many bytes of `end` the text ends with, when it ended with `seen` before `byte`. All ends repeat their first byte at most.
fn matched(end: &[u8], seen: usize, byte: u8) -> usize {
    if end[seen] == byte {
        return seen + 1;
    }
    // `--->` and `]]]>`: one more of the byte that repeats leaves as many.
    if byte != end[0] {
        0
    } else if seen == end.len() - 1 {
        seen
    } else {
        1
    }
}

fn read(envelope: &[u8]) -> Result<Streamed, ToldFault> {
    let root = Element::within(envelope, LIMITS)?;
    // A server that streams its envelope's parts without the envelope sends its header first.
    if root.name == "Header" {
        return Ok(Streamed::default());
    }
    Reply::of(root)?.streamed()
}
