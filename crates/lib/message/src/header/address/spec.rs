//! Addresses among the tokens of an element.

use super::AddrSpec;
use super::element::Piece;

/// An address, or the content of angle brackets.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) address: AddrSpec,
    pub(super) route: Option<Vec<u8>>,
    pub(super) irregular: bool,
    pub(super) in_brackets: bool,
    /// Its first piece.
    pub(super) start: usize,
    /// The piece after its last.
    pub(super) end: usize,
}

/// The address around the `@` at piece `at`, outside angle brackets; `first` if only words precede it.
pub(super) fn bare(pieces: &[Piece<'_>], at: usize, first: bool) -> Spec {
    let start = local_start(pieces, at, first);
    let local = pieces[start..at].iter().filter_map(Piece::word);
    let (domain, end, regular) = domain(pieces, at + 1);
    Spec {
        address: AddrSpec {
            local: local.flatten().copied().collect(),
            domain,
        },
        route: None,
        irregular: !regular || pieces[at].gap || at - start > 1,
        in_brackets: false,
        start,
        end,
    }
}

/// The start of the local part before the `@`. Dots join words over white space and comments (RFC 5322
/// §4.4, obs-local-part), but not if other words precede them: in `Bob jr. bob@example.test` the local part
/// is `bob`.
fn local_start(pieces: &[Piece<'_>], at: usize, first: bool) -> usize {
    let joined = |pair: &[Piece<'_>]| pair[0].is_dotted_to(&pair[1]) || !pair[1].gap;
    if first && pieces[..at].windows(2).all(joined) {
        return 0;
    }
    let mut start = at;
    while start > 0 && pieces[start - 1].word().is_some() && (start == at || !pieces[start].gap) {
        start -= 1;
    }
    start
}

/// The domain that begins with the piece `start`, the piece after it, and whether it is one piece directly
/// after the `@`.
fn domain(pieces: &[Piece<'_>], start: usize) -> (Vec<u8>, usize, bool) {
    let mut end = start;
    while let Some(piece) = pieces.get(end)
        && piece.word().is_some()
        && (end == start || pieces[end - 1].is_dotted_to(piece))
    {
        end += 1;
    }
    // `a@b.test. c@d.test`: the last word is the local part of another address.
    if pieces.get(end).is_some_and(|piece| piece.is(b'@'))
        && let Some(last) = (start + 1..end).rev().find(|&piece| pieces[piece].gap)
    {
        end = last;
    }
    let domain = pieces[start..end].iter().filter_map(Piece::word);
    let broken = pieces
        .get(end)
        .is_some_and(|next| next.word().is_some() && !next.gap);
    let regular = end - start <= 1 && !broken && pieces.get(start).is_none_or(|piece| !piece.gap);
    (domain.flatten().copied().collect(), end, regular)
}

/// The content of the angle brackets that begin with the piece `open`; `None` if another bracket opens
/// before there is an address.
pub(super) fn bracketed(pieces: &[Piece<'_>], open: usize) -> Option<Spec> {
    let (route, start) = source_route(pieces, open + 1);
    let (local, at, mut irregular) = local_in_brackets(pieces, start);
    let mut found = Vec::new();
    let mut end = at;
    if pieces.get(at).is_some_and(|piece| piece.is(b'@')) {
        let (domain, behind, regular) = domain(pieces, at + 1);
        irregular |= !regular || pieces[at].gap;
        found = domain;
        end = behind;
        // Words outside the domain.
        while pieces.get(end).is_some_and(|piece| piece.word().is_some()) {
            irregular = true;
            end += 1;
        }
    } else if pieces.get(at).is_some_and(|piece| piece.is(b'<')) {
        return None;
    }
    if pieces.get(end).is_some_and(|piece| piece.is(b'>')) {
        end += 1;
    }
    Some(Spec {
        address: AddrSpec {
            local,
            domain: found,
        },
        route,
        irregular,
        in_brackets: true,
        start: open,
        end,
    })
}

/// `@a,@b:` and the piece after it.
fn source_route(pieces: &[Piece<'_>], start: usize) -> (Option<Vec<u8>>, usize) {
    if pieces.get(start).is_none_or(|piece| !piece.is(b'@')) {
        return (None, start);
    }
    let mut route = Vec::new();
    let mut end = start;
    while let Some(piece) = pieces.get(end)
        && !piece.is(b'>')
        && !piece.is(b'<')
    {
        end += 1;
        match piece.word() {
            Some(word) => route.extend_from_slice(word),
            None if piece.is(b':') => break,
            None if piece.is(b'@') => route.push(b'@'),
            None => route.push(b','),
        }
    }
    (Some(route), end)
}

/// The local part after `<`, the piece after it, and whether it is irregular.
fn local_in_brackets(pieces: &[Piece<'_>], start: usize) -> (Vec<u8>, usize, bool) {
    let mut local: Vec<u8> = Vec::new();
    let mut end = start;
    while let Some(piece) = pieces.get(end) {
        match piece.word() {
            Some(word) => {
                // Words without a joining dot are kept as written: `<Bob Smith@example.test>`.
                let apart = end > start && piece.gap && !pieces[end - 1].is_dotted_to(piece);
                if apart && !local.is_empty() {
                    local.push(b' ');
                }
                local.extend_from_slice(word);
            }
            // `<mailto:bob@example.test>`
            None if piece.is(b':') && local.eq_ignore_ascii_case(b"mailto") => local.clear(),
            None if piece.is(b':') => local.push(b':'),
            None => break,
        }
        end += 1;
    }
    let irregular = end - start > 1;
    (local, end, irregular)
}
