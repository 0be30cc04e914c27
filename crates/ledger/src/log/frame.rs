//! One frame: head, then payload. The head names the file's salt, so that bytes of a file's former life, or bytes that
//! a caller sent, are never taken for a frame.

/// Bytes before the payload.
pub const HEAD: usize = 40;
const CRC_AT: usize = 32;

/// What a frame's payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Rows: to each its length as u32, then its bytes.
    Rows = 1,
    /// A manifest, whole.
    Manifest = 2,
    /// A change of the manifest.
    ManifestChange = 3,
}

impl FrameKind {
    fn from_number(number: u8) -> Option<Self> {
        [Self::Rows, Self::Manifest, Self::ManifestChange].into_iter().find(|kind| *kind as u8 == number)
    }
}

/// A frame's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) number: u64,
    pub(super) first_seq: u64,
    pub(super) length: u32,
    pub(super) kind: FrameKind,
}

/// Writes the head of the frame whose payload already stands in `buffer` behind [`HEAD`] free bytes.
pub(super) fn finish(buffer: &mut [u8], salt: u64, number: u64, first_seq: u64, kind: FrameKind) {
    let length = (buffer.len() - HEAD) as u32;
    buffer[0..8].copy_from_slice(&salt.to_le_bytes());
    buffer[8..16].copy_from_slice(&number.to_le_bytes());
    buffer[16..24].copy_from_slice(&first_seq.to_le_bytes());
    buffer[24..28].copy_from_slice(&length.to_le_bytes());
    buffer[28..CRC_AT].copy_from_slice(&[kind as u8, 0, 0, 0]);
    let crc = checksum(buffer);
    buffer[CRC_AT..HEAD].copy_from_slice(&[0; 8]);
    buffer[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
}

fn checksum(frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&frame[..CRC_AT]), &frame[HEAD..])
}

/// The frame that begins at the start of `bytes`, when one of this salt is whole there.
pub(super) fn parse(bytes: &[u8], salt: u64) -> Option<(FrameHead, &[u8])> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let u64_at = |at: usize| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| head[at + i]));
    let u32_at = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| head[at + i]));
    if u64_at(0) != salt {
        return None;
    }
    let length = u32_at(24);
    let frame = bytes.get(..HEAD + length as usize)?;
    if checksum(frame) != u32_at(CRC_AT) {
        return None;
    }
    let kind = FrameKind::from_number(head[28])?;
    Some((FrameHead { number: u64_at(8), first_seq: u64_at(16), length, kind }, &frame[HEAD..]))
}

/// The highest frame number found anywhere in `bytes`, frames in any place counted.
pub(super) fn highest_number(bytes: &[u8], salt: u64) -> Option<u64> {
    let needle = salt.to_le_bytes();
    let mut highest = None;
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], &needle) {
        at += found;
        if let Some((head, _)) = parse(&bytes[at..], salt) {
            highest = highest.max(Some(head.number));
        }
        at += 1;
    }
    highest
}

fn find(bytes: &[u8], needle: &[u8; 8]) -> Option<usize> {
    let mut at = 0;
    while let Some(step) = bytes[at..].iter().position(|b| *b == needle[0]) {
        at += step;
        if bytes[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; HEAD];
        buffer.extend_from_slice(payload);
        finish(&mut buffer, 0xfeed, 7, 100, FrameKind::Rows);
        buffer
    }

    #[test]
    fn a_frame_reads_back() {
        let (head, payload) = parse(&frame(b"rows"), 0xfeed).map(|(h, p)| (h, p.to_vec())).unwrap();
        assert_eq!((head.number, head.first_seq, head.kind), (7, 100, FrameKind::Rows));
        assert_eq!(payload, b"rows");
    }

    #[test]
    fn any_changed_bit_is_noticed() {
        let whole = frame(b"some rows");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // The last four bytes of the head are padding outside the checksum.
            assert_eq!(parse(&bytes, 0xfeed).is_some(), (HEAD - 4..HEAD).contains(&(bit / 8)), "bit {bit}");
        }
        assert!(parse(&whole[..whole.len() - 1], 0xfeed).is_none());
        assert!(parse(&whole, 0xbeef).is_none());
    }

    #[test]
    fn frames_are_found_anywhere() {
        let mut bytes = vec![0xed; 33];
        bytes.extend(frame(b"x"));
        bytes.extend([0; 9]);
        assert_eq!(highest_number(&bytes, 0xfeed), Some(7));
        assert_eq!(highest_number(&bytes[..60], 0xfeed), None);
    }
}
