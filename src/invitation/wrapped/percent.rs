//! Percent coding, forgiving: what is not a valid escape stays as it is.

/// Decodes `%41` and the like once. Bytes that are no UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'%', &bytes[at..]) {
        let sign = at + found;
        out.extend_from_slice(&bytes[at..sign]);
        let byte = bytes.get(sign + 1..sign + 3).and_then(hex_pair);
        out.push(byte.unwrap_or(b'%'));
        at = sign + if byte.is_some() { 3 } else { 1 };
    }
    out.extend_from_slice(&bytes[at..]);
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Encodes everything but letters, digits and `-._~`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_to(&mut out, text);
    out
}

/// The same, behind what is in `out`.
pub(super) fn encode_to(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
            out.extend(['%', digit(byte >> 4), digit(byte)]);
        }
    }
}

/// The byte that two hex digits stand for.
pub(crate) fn hex_pair(pair: &[u8]) -> Option<u8> {
    match pair {
        [high, low] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_stay_and_others_are_decoded_once() {
        for (coded, plain) in [
            ("a%2Fb%3a", "a/b:"),
            ("%252F", "%2F"),
            ("%xx%", "%xx%"),
            ("%C3%A5%2", "å%2"),
            ("%+1%é", "%+1%é"),
            ("%FF", "\u{fffd}"),
        ] {
            assert_eq!(decode(coded), plain, "{coded}");
        }
        assert_eq!(decode(&encode("å/ b?&%")), "å/ b?&%");
    }
}
