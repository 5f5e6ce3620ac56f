//! As much of PostgreSQL's protocol as it takes to put one question (PostgreSQL, "Frontend/Backend Protocol", version 3.0).

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// The first column of the last row, or what the server said against it.
pub fn ask(url: &str, sql: &str) -> io::Result<Result<Option<String>, String>> {
    let (address, database) = parts(url);
    ask_at(address, &database, sql)
}

/// The same of a server behind another address.
pub fn ask_at(address: SocketAddr, database: &str, sql: &str) -> io::Result<Result<Option<String>, String>> {
    let mut stream = TcpStream::connect(address)?;
    let mut startup = 196_608_u32.to_be_bytes().to_vec();
    startup.extend(format!("user\0adjutant\0database\0{database}\0\0").bytes());
    stream.write_all(&framed(None, &startup))?;
    if let Err(refused) = answer(&mut stream)? {
        return Ok(Err(refused));
    }
    stream.write_all(&framed(Some(b'Q'), format!("{sql}\0").as_bytes()))?;
    answer(&mut stream)
}

/// Where a URL points to.
pub fn parts(url: &str) -> (SocketAddr, String) {
    let (address, database) = url.rsplit_once('@').unwrap().1.split_once('/').unwrap();
    (address.parse().unwrap(), database.to_owned())
}

fn framed(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let mut frame: Vec<u8> = kind.into_iter().collect();
    frame.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    frame.extend(body);
    frame
}

/// Reads until the server waits for a question.
fn answer(stream: &mut TcpStream) -> io::Result<Result<Option<String>, String>> {
    let mut found = None;
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let mut body = vec![0; length - 4];
        stream.read_exact(&mut body)?;
        match head[0] {
            b'Z' => return Ok(Ok(found)),
            b'E' => return Ok(Err(String::from_utf8_lossy(&body).into_owned())),
            // The number of columns, the length of the first, the first.
            b'D' => {
                let length = u32::from_be_bytes(body[2..6].try_into().unwrap()) as usize;
                found = Some(String::from_utf8_lossy(&body[6..6 + length]).into_owned());
            }
            _ => {}
        }
    }
}
