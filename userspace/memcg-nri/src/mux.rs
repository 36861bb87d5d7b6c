// SPDX-License-Identifier: GPL-2.0

//! Two connections over one. On NRI's socket the plugin is server and client at once, so each piece
//! of data is preceded by the number of its connection and its length, both 32 bits in big-endian
//! order.

use std::io;
use tokio::io::duplex;
use tokio::io::split;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::DuplexStream;
use tokio::io::ReadHalf;
use tokio::io::WriteHalf;
use tokio::sync::Mutex;

/// The connection on which the runtime calls the plugin.
const PLUGIN: u32 = 1;
/// The connection on which the plugin calls the runtime.
const RUNTIME: u32 = 2;

/// The size of a piece: the reader at the other end gets a whole piece at once, and has no room for
/// more.
const MOST: usize = 4096;
/// The longest message with its header, which is an upper bound for received pieces.
const LONGEST: usize = (4 << 20) + 10;

/// This side's ends of the two connections.
pub struct Ends {
    /// The connection on which the runtime calls the plugin.
    pub plugin: DuplexStream,
    /// The connection on which the plugin calls the runtime.
    pub runtime: DuplexStream,
}

/// Returns both connections over `trunk`, and the task that carries their data, which ends with
/// `trunk`.
pub fn multiplex<T>(trunk: T) -> (Ends, impl Future<Output = io::Result<()>>)
where
    T: AsyncRead + AsyncWrite + Send + 'static,
{
    let (plugin, plugin_far) = duplex(LONGEST);
    let (runtime, runtime_far) = duplex(LONGEST);
    (
        Ends { plugin, runtime },
        carry(trunk, plugin_far, runtime_far),
    )
}

async fn carry<T>(trunk: T, plugin: DuplexStream, runtime: DuplexStream) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite,
{
    let (from_trunk, to_trunk) = split(trunk);
    let to_trunk = Mutex::new(to_trunk);
    let (from_plugin, to_plugin) = split(plugin);
    let (from_runtime, to_runtime) = split(runtime);
    tokio::select! {
        end = receive(from_trunk, to_plugin, to_runtime) => end,
        end = send(PLUGIN, from_plugin, &to_trunk) => end,
        end = send(RUNTIME, from_runtime, &to_trunk) => end,
    }
}

async fn receive<T: AsyncRead>(
    mut trunk: ReadHalf<T>,
    mut plugin: WriteHalf<DuplexStream>,
    mut runtime: WriteHalf<DuplexStream>,
) -> io::Result<()> {
    let mut piece = Vec::new();
    loop {
        let connection = match trunk.read_u32().await {
            Ok(connection) => connection,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let length = trunk.read_u32().await? as usize;
        if length > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a frame of {length} bytes, which is longer than any message"),
            ));
        }
        piece.resize(length, 0);
        trunk.read_exact(&mut piece).await?;
        match connection {
            PLUGIN => plugin.write_all(&piece).await?,
            RUNTIME => runtime.write_all(&piece).await?,
            // Future connections do not concern this plugin.
            _ => {}
        }
    }
}

async fn send<T: AsyncWrite>(
    connection: u32,
    mut from: ReadHalf<DuplexStream>,
    trunk: &Mutex<WriteHalf<T>>,
) -> io::Result<()> {
    let mut piece = [0; MOST];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        let mut framed = Vec::with_capacity(8 + length);
        framed.extend_from_slice(&connection.to_be_bytes());
        framed.extend_from_slice(&(length as u32).to_be_bytes());
        framed.extend_from_slice(&piece[..length]);
        trunk.lock().await.write_all(&framed).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_go_where_they_belong() {
        let (mut far, trunk) = duplex(1 << 16);
        let (mut ends, carrying) = multiplex(trunk);
        let carrying = tokio::spawn(carrying);
        // One frame in two writes, and then a frame for an unknown connection.
        far.write_all(b"\0\0\0\x02\0\0\0\x02ab\0\0\0\x07\0\0\0\x01x\0\0")
            .await
            .unwrap();
        far.write_all(b"\0\x01\0\0\0\x03cde\0\0\0\x02\0\0\0\x01f")
            .await
            .unwrap();
        let mut found = [0; 3];
        ends.runtime.read_exact(&mut found).await.unwrap();
        assert_eq!(&found, b"abf");
        ends.plugin.read_exact(&mut found).await.unwrap();
        assert_eq!(&found, b"cde");
        drop(far);
        carrying.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_is_long_goes_in_pieces() {
        let (mut far, trunk) = duplex(1 << 16);
        let (mut ends, carrying) = multiplex(trunk);
        let _carrying = tokio::spawn(carrying);
        ends.plugin.write_all(&[7; 10_000]).await.unwrap();
        let mut rest = 10_000;
        while rest > 0 {
            assert_eq!(far.read_u32().await.unwrap(), PLUGIN);
            let length = far.read_u32().await.unwrap() as usize;
            assert!(length <= 4096, "{length}");
            let mut piece = vec![0; length];
            far.read_exact(&mut piece).await.unwrap();
            assert!(piece.iter().all(|&byte| byte == 7));
            rest -= length;
        }
    }

    #[tokio::test]
    async fn nonsense_ends_it() {
        let (mut far, trunk) = duplex(64);
        let (_ends, carrying) = multiplex(trunk);
        far.write_all(b"\0\0\0\x01\xff\xff\xff\xff").await.unwrap();
        let error = carrying.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn an_end_in_the_middle_is_an_error() {
        let (mut far, trunk) = duplex(64);
        let (_ends, carrying) = multiplex(trunk);
        far.write_all(b"\0\0\0\x01\0\0\0\x05ab").await.unwrap();
        drop(far);
        assert!(carrying.await.is_err());
    }
}
