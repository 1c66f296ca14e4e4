//! Writing offers and answers.

use std::fmt::Write;

use super::{Description, Parameters, Section};

/// The `mid` of the only section of our offers.
const MID: &str = "0";

/// The number of streams in `a=sctpmap`. How many there really are is agreed on by SCTP itself.
const OLD_STREAMS: u16 = 1024;

/// The origin of our descriptions (RFC 8866, section 5.2): the same session in all of them, and a version
/// that grows with each (RFC 9429, section 5.2.1).
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    session: u64,
    version: u64,
}

impl Origin {
    /// An origin with a random number for the session.
    pub(crate) fn new(random: u64) -> Self {
        // Positive as a signed number.
        Self { session: random >> 1, version: 0 }
    }

    fn next(&mut self) -> String {
        self.version += 1;
        // The address says nothing, so that it gives nothing away.
        format!("v=0\r\no=- {} {} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", self.session, self.version)
    }

    /// Our offer, whose only section is for data channels.
    pub(crate) fn offer(&mut self, parameters: &Parameters) -> String {
        let section = Section {
            media: "application".into(),
            protocol: "UDP/DTLS/SCTP".into(),
            formats: "webrtc-datachannel".into(),
            mid: Some(MID.into()),
        };
        self.describe(&[section], 0, parameters, false)
    }

    /// Our answer to `offer`: accepts its first section for data channels, and rejects everything else.
    pub(crate) fn answer(&mut self, offer: &Description, parameters: &Parameters) -> String {
        self.describe(&offer.sections, offer.index, parameters, offer.old_form)
    }

    /// An offer or answer that wants no connection.
    pub(crate) fn rejection(&mut self) -> String {
        let mut sdp = self.next();
        sdp += "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n";
        sdp += &format!("a=mid:{MID}\r\n");
        sdp
    }

    fn describe(
        &mut self,
        sections: &[Section],
        accepted: usize,
        parameters: &Parameters,
        old_form: bool,
    ) -> String {
        let mut sdp = self.next();
        if let Some(mid) = &sections[accepted].mid {
            sdp += &format!("a=group:BUNDLE {mid}\r\n");
        }
        sdp += "a=msid-semantic: WMS\r\n";
        for (index, section) in sections.iter().enumerate() {
            let Section { media, protocol, formats, mid } = section;
            // 9 stands for "see the candidates", 0 rejects (RFC 9429, sections 5.2.1 and 5.3.1).
            let port = if index == accepted { 9 } else { 0 };
            let own_port = parameters.sctp_port.to_string();
            let formats = if index == accepted && old_form { &own_port } else { formats };
            sdp += &format!("m={media} {port} {protocol} {formats}\r\nc=IN IP4 0.0.0.0\r\n");
            if let Some(mid) = mid {
                sdp += &format!("a=mid:{mid}\r\n");
            }
            if index == accepted {
                parameters.write(&mut sdp, old_form);
            } else if media != "application" {
                sdp += "a=inactive\r\n";
            }
        }
        sdp
    }
}

impl Parameters {
    fn write(&self, sdp: &mut String, old_form: bool) {
        let Self { ice_ufrag, ice_pwd, setup, sctp_port, .. } = self;
        *sdp += &format!("a=ice-ufrag:{ice_ufrag}\r\na=ice-pwd:{ice_pwd}\r\n");
        *sdp += "a=ice-options:trickle\r\n";
        for fingerprint in &self.fingerprints {
            *sdp += &format!("a=fingerprint:{fingerprint}\r\n");
        }
        let setup = setup.name();
        let max_message_size = self.max_message_size.unwrap_or(0);
        let port = match old_form {
            true => format!("sctpmap:{sctp_port} webrtc-datachannel {OLD_STREAMS}"),
            false => format!("sctp-port:{sctp_port}"),
        };
        let _ =
            write!(sdp, "a=setup:{setup}\r\na={port}\r\na=max-message-size:{max_message_size}\r\n");
    }
}
