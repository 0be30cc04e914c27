//! What there is to read of Thrift's compact protocol in the headers of pages and Bloom filters.

/// What is left of something in Thrift's compact protocol.
pub(super) struct Thrift<'a>(pub(super) &'a [u8]);

impl Thrift<'_> {
    /// The type of a structure.
    pub(super) const STRUCT: u8 = 12;
    const DEEPEST: u8 = 4;

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        super::varint(&mut self.0)
    }

    fn zigzag(&mut self) -> Option<i64> {
        self.varint().map(super::unzigzag)
    }

    /// Makes `number` the signed number that comes next.
    pub(super) fn number_into(&mut self, number: &mut Option<i64>) -> Option<()> {
        *number = Some(self.zigzag()?);
        Some(())
    }

    /// Calls `take` with the id and type of each field of a structure; it has to take the value away.
    pub(super) fn each_field(
        &mut self,
        depth: u8,
        take: &mut dyn FnMut(&mut Self, i64, u8) -> Option<()>,
    ) -> Option<()> {
        if depth > Self::DEEPEST {
            return None;
        }
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            id = match head >> 4 {
                0 => self.zigzag()?,
                step => id.checked_add(i64::from(step))?,
            };
            take(self, id, head & 0x0f)?;
        }
    }

    /// Takes a value of this type away. Lists and maps stand in no page's header.
    pub(super) fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        match kind {
            1 | 2 => Some(()),
            3 => self.byte().map(|_| ()),
            4..=6 => self.varint().map(|_| ()),
            8 => {
                let length = self.varint()? as usize;
                self.0 = self.0.get(length..)?;
                Some(())
            }
            Self::STRUCT => self.each_field(depth, &mut |thrift, _, kind| thrift.skip(kind, depth + 1)),
            _ => None,
        }
    }
}
