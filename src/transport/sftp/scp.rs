//! The copy protocol of `scp -O` and of older clients, which has no number and no standard: lines that say what comes, bytes,
//! and a byte that says whether they were taken. Files only; a copy of folders takes the files of one.
//!
//! Not supported: folders in folders, permissions and times, which a mailbox does not keep.

use super::files::{Begin, Done, Files, Refused};
use super::path::{Place, check_name, place};
use super::server::Outlet;
use super::wire::DATA_BYTES_MAX;
use std::sync::Arc;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Bytes of a line, at most.
const LINE_BYTES_MAX: usize = 2048;
const TAKEN: u8 = 0;
const REFUSED: u8 = 1;
const LINE_END: u8 = b'\n';

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    is_upload: bool,
    is_recursive: bool,
    path: String,
}

impl Asked {
    /// Reads a command; none where it is no `scp`.
    pub(super) fn read(command: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(command).ok()?;
        let mut words = unquoted(text)?.into_iter();
        if words.next()? != "scp" {
            return None;
        }
        let (mut way, mut is_recursive, mut path) = (None, false, None);
        for word in words {
            match word.strip_prefix('-').filter(|letters| path.is_none() && !letters.is_empty()) {
                Some("-") => {}
                Some(letters) => {
                    for letter in letters.chars() {
                        match letter {
                            't' => way = Some(true),
                            'f' => way = Some(false),
                            'r' => is_recursive = true,
                            'd' | 'p' | 'q' | 'v' => {}
                            _ => return None,
                        }
                    }
                }
                None if path.is_none() => path = Some(word),
                None => return None,
            }
        }
        Some(Self { is_upload: way?, is_recursive, path: path? })
    }
}

/// The words of a command, quotes and backslashes resolved as a shell would; nothing else of a shell is there.
fn unquoted(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(characters.next()?),
            (None, ' ') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Serves a copy; the status that its channel ends with.
pub(super) async fn serve(
    files: Arc<dyn Files>,
    asked: Asked,
    from: &mut Outlet,
    to: &mut (impl AsyncWrite + Unpin + Send),
) -> u32 {
    let done =
        if asked.is_upload { take(&files, &asked, from, to).await } else { give(&files, &asked, from, to).await };
    match done {
        Ok(Ok(())) => 0,
        Ok(Err(refused)) => {
            // The client may be gone.
            let _ = refuse(to, &refused).await;
            1
        }
        Err(_) => 1,
    }
}

/// What may go wrong: the connection, or else the copy, which the client is told.
type Copied<T> = std::io::Result<Done<T>>;

async fn refuse(to: &mut (impl AsyncWrite + Unpin + Send), refused: &Refused) -> std::io::Result<()> {
    let text: String = refused.text.chars().filter(|c| !c.is_control()).collect();
    to.write_all(&[&[REFUSED], b"scp: ".as_slice(), text.as_bytes(), &[LINE_END]].concat()).await?;
    to.flush().await
}

async fn fine(to: &mut (impl AsyncWrite + Unpin + Send)) -> std::io::Result<()> {
    to.write_all(&[TAKEN]).await?;
    to.flush().await
}

async fn line(from: &mut Outlet) -> Option<String> {
    let mut line = Vec::new();
    loop {
        match from.exactly(1).await?.as_slice() {
            [LINE_END] => return String::from_utf8(line).ok(),
            byte => line.extend_from_slice(byte),
        }
        if line.len() > LINE_BYTES_MAX {
            return None;
        }
    }
}

fn gone() -> std::io::Error {
    std::io::ErrorKind::UnexpectedEof.into()
}

/// The client drops files.
async fn take(
    files: &Arc<dyn Files>,
    asked: &Asked,
    from: &mut Outlet,
    to: &mut (impl AsyncWrite + Unpin + Send),
) -> Copied<()> {
    let target = match place(asked.path.as_bytes()) {
        Ok(Place::Top) => return Ok(Err(Refused::denied("expected a folder of the mailbox, such as in/"))),
        Ok(target) => target,
        Err(refused) => return Ok(Err(refused)),
    };
    fine(to).await?;
    let mut is_whole = true;
    while let Some(line) = line(from).await {
        match line.bytes().next() {
            Some(b'T') | Some(b'E') => fine(to).await?,
            Some(b'D') => return Ok(Err(Refused::denied("folders of a mailbox have no folders in them"))),
            Some(b'C') => {
                let Some((size, name)) = announced(&line) else {
                    return Ok(Err(Refused::failed("expected C, permissions, size and name")));
                };
                let (folder, name) = match &target {
                    Place::File(folder, own) => (folder.as_str(), own.as_str()),
                    Place::Folder(folder) => (folder.as_str(), name),
                    Place::Top => ("", name),
                };
                // One that is refused does not keep the others out.
                if let Err(refused) = one_taken(files, (folder, name), size, from, to).await? {
                    refuse(to, &refused).await?;
                    is_whole = false;
                }
            }
            _ => return Ok(Err(Refused::failed("expected a line of scp"))),
        }
    }
    if is_whole { Ok(Ok(())) } else { Err(std::io::Error::other("some were refused")) }
}

/// `C0644 1234 name`.
fn announced(line: &str) -> Option<(u64, &str)> {
    let (size, name) = line.split_once(' ')?.1.split_once(' ')?;
    Some((size.parse().ok()?, name))
}

async fn one_taken(
    files: &Arc<dyn Files>,
    (folder, name): (&str, &str),
    size: u64,
    from: &mut Outlet,
    to: &mut (impl AsyncWrite + Unpin + Send),
) -> Copied<()> {
    if let Err(refused) = check_name(name) {
        return Ok(Err(refused));
    }
    let begin = Begin { truncate: true, is_announced: true, ..Begin::default() };
    let mut upload = match files.drop_file(folder, name, begin).await {
        Ok(upload) => upload,
        Err(refused) => return Ok(Err(refused)),
    };
    fine(to).await?;
    let (mut at, mut failed) = (0, None);
    while at < size {
        let most = usize::try_from(size - at).unwrap_or(usize::MAX).min(DATA_BYTES_MAX as usize);
        // Without its last byte it was broken off, and does not count.
        let bytes = from.some(most).await.ok_or_else(gone)?;
        let length = bytes.len() as u64;
        if failed.is_none() {
            failed = upload.write(at, bytes).await.err();
        }
        at += length;
    }
    let end = from.exactly(1).await.ok_or_else(gone)?;
    if let Some(refused) = failed {
        return Ok(Err(refused));
    }
    if end != [TAKEN] {
        return Ok(Err(Refused::failed("the sender says that it could not read all of it")));
    }
    match upload.close().await {
        Ok(()) => fine(to).await.map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

/// The client fetches files.
async fn give(
    files: &Arc<dyn Files>,
    asked: &Asked,
    from: &mut Outlet,
    to: &mut (impl AsyncWrite + Unpin + Send),
) -> Copied<()> {
    let (folder, pattern) = match place(asked.path.as_bytes()) {
        Ok(Place::File(folder, name)) => (folder, name),
        Ok(Place::Folder(folder)) if asked.is_recursive => (folder, "*".to_owned()),
        Ok(other) => return Ok(Err(Refused::failed(format!("expected a file, found the folder {other}")))),
        Err(refused) => return Ok(Err(refused)),
    };
    let names = match named(files, &folder, &pattern).await {
        Ok(names) => names,
        Err(refused) => return Ok(Err(refused)),
    };
    heard(from).await?;
    if asked.is_recursive {
        to.write_all(format!("D0550 0 {folder}\n").as_bytes()).await?;
        to.flush().await?;
        heard(from).await?;
    }
    for name in names {
        let mut fetch = match files.fetch(&folder, &name).await {
            Ok(fetch) => fetch,
            Err(refused) => return Ok(Err(refused)),
        };
        let size = fetch.entry().size;
        to.write_all(format!("C0440 {size} {name}\n").as_bytes()).await?;
        to.flush().await?;
        heard(from).await?;
        let mut at = 0;
        while at < size {
            let bytes = match fetch.read(at, DATA_BYTES_MAX as usize).await {
                Ok(bytes) if bytes.is_empty() => return Ok(Err(Refused::failed("it ended too soon"))),
                Ok(bytes) => bytes,
                Err(refused) => return Ok(Err(refused)),
            };
            to.write_all(&bytes).await?;
            at += bytes.len() as u64;
        }
        fine(to).await?;
        // The client has all of it, and says so.
        heard(from).await?;
        if let Err(refused) = fetch.close().await {
            return Ok(Err(refused));
        }
    }
    if asked.is_recursive {
        to.write_all(b"E\n").await?;
        heard(from).await?;
    }
    Ok(Ok(()))
}

/// The client says that it goes on.
async fn heard(from: &mut Outlet) -> std::io::Result<()> {
    match from.exactly(1).await.as_deref() {
        Some([TAKEN]) => Ok(()),
        _ => Err(gone()),
    }
}

/// The files that a name or a pattern is for, which a shell would have resolved.
async fn named(files: &Arc<dyn Files>, folder: &str, pattern: &str) -> Done<Vec<String>> {
    if !pattern.contains(['*', '?']) {
        return Ok(vec![pattern.to_owned()]);
    }
    if !files.folders().iter().any(|one| one.name == folder) {
        return Err(super::session::no_folder(folder));
    }
    let all = files.list(folder).await?.into_iter().map(|entry| entry.name);
    let found: Vec<String> = all.filter(|name| fits(pattern.as_bytes(), name.as_bytes())).collect();
    if found.is_empty() { Err(Refused::missing(format!("no file is called {pattern}"))) } else { Ok(found) }
}

/// Whether a name fits a pattern of `*` and `?`.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut here, mut star) = (0, 0, None);
    while here < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(c) if *c == b'?' || *c == name[here] => {
                at += 1;
                here += 1;
            }
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    at = back + 1;
                    here = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_scp_are_read_and_nothing_else() {
        let asked = |text: &str| Asked::read(text.as_bytes()).map(|one| (one.is_upload, one.is_recursive, one.path));
        assert_eq!(asked("scp -t in/"), Some((true, false, "in/".to_owned())));
        assert_eq!(asked("scp -v -p -t -- 'in/a b'"), Some((true, false, "in/a b".to_owned())));
        assert_eq!(asked("scp -qrf out/x\\ y"), Some((false, true, "out/x y".to_owned())));
        for other in ["scp", "scp -t", "scp -t a b", "sh -c 'scp -t in'", "scp -S x -t in", "rm -rf /", "scp -t 'in"] {
            assert_eq!(asked(other), None, "{other}");
        }
        assert_eq!(announced("C0644 12 a b.edi"), Some((12, "a b.edi")));
        assert_eq!(announced("C0644 twelve a"), None);
    }

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, name, fit) in [
            ("*", "a.edi", true),
            ("*.edi", "a.edi", true),
            ("a?c*", "abcd", true),
            ("*.edi", "a.xml", false),
            ("a*b*c", "aXbYc", true),
            ("a*b", "aXbY", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), fit, "{pattern} {name}");
        }
    }
}
