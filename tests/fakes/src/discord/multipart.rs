//! Bodies with files: the part `payload_json`, and the parts `files[n]`.

use serde_json::Value;

/// A file part: its number, name and content.
pub(super) type Part = (u64, String, Vec<u8>);

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// A parameter of a header, as in `name="files[0]"`.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').map(str::trim).find_map(|part| {
        let value = part.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.trim_matches('"').to_owned())
    })
}

/// Takes a body apart.
pub(super) fn read(kind: &str, body: &[u8]) -> Result<(Value, Vec<Part>), String> {
    let boundary = parameter(kind, "boundary").ok_or("no boundary")?;
    let mark = format!("--{boundary}");
    let (mut json, mut files) = (Value::Null, Vec::new());
    let mut rest = body;
    loop {
        let start = find(rest, mark.as_bytes()).ok_or("no boundary where one must be")?;
        rest = &rest[start + mark.len()..];
        if rest.starts_with(b"--") {
            return Ok((json, files));
        }
        let head_end = find(rest, b"\r\n\r\n").ok_or("a part without a head")?;
        let head = String::from_utf8_lossy(&rest[..head_end]).into_owned();
        rest = &rest[head_end + 4..];
        let end = find(rest, format!("\r\n{mark}").as_bytes()).ok_or("a part without an end")?;
        let content = &rest[..end];
        rest = &rest[end + 2..];
        let is_disposition = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
        let disposition = head.lines().find(is_disposition).ok_or("a part without a disposition")?;
        let name = parameter(disposition, "name").ok_or("a part without a name")?;
        if name == "payload_json" {
            json = serde_json::from_slice(content).map_err(|error| format!("payload_json: {error}"))?;
            continue;
        }
        let number = name.strip_prefix("files[").and_then(|name| name.strip_suffix(']'));
        let number = number.and_then(|number| number.parse().ok()).ok_or(format!("a part named {name}"))?;
        let file = parameter(disposition, "filename").ok_or("a file without a name")?;
        files.push((number, file, content.to_vec()));
    }
}
