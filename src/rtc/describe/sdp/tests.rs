use super::*;

/// What Chromium offers for one data channel.
const CHROMIUM: &str = "v=0\r\n\
    o=- 4962303333179871722 2 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0\r\n\
    a=extmap-allow-mixed\r\n\
    a=msid-semantic: WMS\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:M5Yx\r\n\
    a=ice-pwd:q4OZxVxJ8rjFV0S0bEPbYkNl\r\n\
    a=ice-options:trickle\r\n\
    a=fingerprint:sha-256 3D:54:5E:12:7C:0B:93:0C:3F:A2:0E:61:0D:51:8C:F7:9D:4B:38:B2:25:77:F9:81:56:44:1A:09:EE:6D:9A:B1\r\n\
    a=setup:actpass\r\n\
    a=mid:0\r\n\
    a=sctp-port:5000\r\n\
    a=max-message-size:262144\r\n";

/// What Firefox offers: the fingerprint at the level of the session, a limit of 1 GiB.
const FIREFOX: &str = "v=0\r\n\
    o=mozilla...THIS_IS_SDPARTA-99.0 5263479846516798274 0 IN IP4 0.0.0.0\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=sendrecv\r\n\
    a=fingerprint:sha-256 3D:54:5E:12:7C:0B:93:0C:3F:A2:0E:61:0D:51:8C:F7:9D:4B:38:B2:25:77:F9:81:56:44:1A:09:EE:6D:9A:B1\r\n\
    a=group:BUNDLE 0\r\n\
    a=ice-options:trickle\r\n\
    a=msid-semantic:WMS *\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=sendrecv\r\n\
    a=ice-pwd:b8e94dc34b4f1e4f9ce0f4b0d9e71f19\r\n\
    a=ice-ufrag:fe1ed0ab\r\n\
    a=mid:0\r\n\
    a=setup:actpass\r\n\
    a=sctp-port:5000\r\n\
    a=max-message-size:1073741823\r\n";

/// What libdatachannel answers, its candidates included.
const LIBDATACHANNEL: &str = "v=0\r\n\
    o=rtc 3767197920 0 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0\r\n\
    a=group:LS 0\r\n\
    a=msid-semantic:WMS *\r\n\
    a=ice-options:ice2,trickle\r\n\
    a=fingerprint:sha-256 3D:54:5E:12:7C:0B:93:0C:3F:A2:0E:61:0D:51:8C:F7:9D:4B:38:B2:25:77:F9:81:56:44:1A:09:EE:6D:9A:B1\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=mid:0\r\n\
    a=sendrecv\r\n\
    a=sctp-port:5000\r\n\
    a=max-message-size:262144\r\n\
    a=setup:active\r\n\
    a=ice-ufrag:xN5T\r\n\
    a=ice-pwd:wEZzlh1nyVfA7h1SFT5kMo\r\n\
    a=candidate:1 1 UDP 2122317823 192.0.2.7 55263 typ host\r\n\
    a=candidate:2 1 UDP 1686109951 203.0.113.9 55263 typ srflx raddr 0.0.0.0 rport 0\r\n\
    a=end-of-candidates\r\n";

/// What webrtcbin of GStreamer offers.
const WEBRTCBIN: &str = "v=0\r\n\
    o=- 1837464021920187394 0 IN IP4 0.0.0.0\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=ice-options:trickle\r\n\
    a=group:BUNDLE application0\r\n\
    m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:zR6h4nHK0cPyO0UCpLbnFBLrPwhbdY7Z\r\n\
    a=ice-pwd:D+Dg0cKaWQG5f0IAEYgUDMrvbOqEPtVp\r\n\
    a=bundle-only\r\n\
    a=mid:application0\r\n\
    a=setup:actpass\r\n\
    a=fingerprint:sha-256 3D:54:5E:12:7C:0B:93:0C:3F:A2:0E:61:0D:51:8C:F7:9D:4B:38:B2:25:77:F9:81:56:44:1A:09:EE:6D:9A:B1\r\n\
    a=sctp-port:5000\r\n";

/// What aiortc answers: three fingerprints, and all candidates.
const AIORTC: &str = "v=0\r\n\
    o=- 3942012345 3942012345 IN IP4 0.0.0.0\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0\r\n\
    a=msid-semantic:WMS *\r\n\
    m=application 51234 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    c=IN IP4 192.0.2.20\r\n\
    a=mid:0\r\n\
    a=sctp-port:5000\r\n\
    a=max-message-size:65536\r\n\
    a=candidate:c0e5f2 1 udp 2130706431 192.0.2.20 51234 typ host\r\n\
    a=end-of-candidates\r\n\
    a=ice-ufrag:nKYx\r\n\
    a=ice-pwd:4fHJq2yGzwNdCkWLqF2aSe\r\n\
    a=fingerprint:sha-256 3D:54:5E:12:7C:0B:93:0C:3F:A2:0E:61:0D:51:8C:F7:9D:4B:38:B2:25:77:F9:81:56:44:1A:09:EE:6D:9A:B1\r\n\
    a=fingerprint:sha-384 00:11\r\n\
    a=fingerprint:sha-512 22:33\r\n\
    a=setup:active\r\n";

fn ours() -> Parameters {
    Parameters {
        ice_ufrag: "abcd".into(),
        ice_pwd: "0123456789012345678901".into(),
        ice_lite: false,
        fingerprints: vec!["sha-256 AA:BB".into()],
        setup: Setup::ActPass,
        sctp_port: SCTP_PORT,
        max_message_size: Some(262_144),
    }
}

#[test]
fn offers_of_browsers_are_understood() {
    let offer = Description::parse(CHROMIUM).unwrap();
    assert_eq!(offer.parameters.ice_ufrag, "M5Yx");
    assert_eq!(offer.parameters.ice_pwd, "q4OZxVxJ8rjFV0S0bEPbYkNl");
    assert_eq!(offer.parameters.setup, Setup::ActPass);
    assert_eq!(offer.parameters.max_message_size, Some(262_144));
    assert_eq!((offer.mid(), offer.index()), (Some("0"), 0));
    assert!(offer.candidates.is_empty() && !offer.parameters.ice_lite);

    let offer = Description::parse(FIREFOX).unwrap();
    assert_eq!(offer.parameters.fingerprints.len(), 1);
    assert!(offer.parameters.fingerprints[0].starts_with("sha-256 3D:54"));
    assert_eq!(offer.parameters.max_message_size, Some(1_073_741_823));
}

#[test]
fn descriptions_of_other_libraries_are_understood() {
    let answer = Description::parse(LIBDATACHANNEL).unwrap();
    assert_eq!(answer.parameters.setup, Setup::Active);
    assert_eq!(answer.candidates.len(), 2);
    assert_eq!(answer.candidates[0], "candidate:1 1 UDP 2122317823 192.0.2.7 55263 typ host");

    let offer = Description::parse(WEBRTCBIN).unwrap();
    assert_eq!(offer.mid(), Some("application0"));
    assert_eq!(offer.parameters.max_message_size, Some(65536), "the default");

    let answer = Description::parse(AIORTC).unwrap();
    assert_eq!(answer.parameters.fingerprints.len(), 3);
    assert_eq!(answer.candidates.len(), 1);
}

#[test]
fn what_we_write_we_can_read() {
    let mut origin = Origin::new(u64::MAX);
    let (first, second) = (origin.offer(&ours()), origin.offer(&ours()));
    assert!(first.starts_with("v=0\r\no=- 9223372036854775807 1 IN IP4 127.0.0.1\r\n"));
    assert!(second.starts_with("v=0\r\no=- 9223372036854775807 2 IN IP4 127.0.0.1\r\n"));
    let offer = Description::parse(&first).unwrap();
    assert_eq!(offer.parameters, ours());
    let answer = Parameters { setup: Setup::Active, max_message_size: None, ..ours() };
    let sdp = Origin::new(1).answer(&offer, &answer);
    assert_eq!(Description::parse(&sdp).unwrap().parameters, answer);
}

/// RFC 9429, section 5.3.1: as many sections as the offer has, in its order, those rejected with port 0.
#[test]
fn an_answer_rejects_all_but_the_data_channels() {
    let offer = "v=0\n\
        o=- 1 1 IN IP4 0.0.0.0\n\
        s=-\n\
        t=0 0\n\
        a=group:BUNDLE a v d\n\
        a=ice-ufrag:user\n\
        a=ice-pwd:passwordpasswordpassword\n\
        a=fingerprint:sha-256 AA:BB\n\
        a=setup:passive\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63\n\
        a=mid:a\n\
        a=ice-ufrag:other\n\
        m=application 0 UDP/DTLS/SCTP webrtc-datachannel\n\
        a=mid:old\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n\
        a=mid:d\n\
        a=sctp-port:6000\n\
        a=max-message-size:0\n";
    let offer = Description::parse(offer).unwrap();
    assert_eq!((offer.mid(), offer.index()), (Some("d"), 2));
    assert_eq!(offer.parameters.ice_ufrag, "user");
    assert_eq!(offer.parameters.setup, Setup::Passive);
    assert_eq!(offer.parameters.sctp_port, 6000);
    assert_eq!(offer.parameters.max_message_size, None);

    let answer = Origin::new(1).answer(&offer, &Parameters { setup: Setup::Active, ..ours() });
    let lines: Vec<_> =
        answer.lines().filter(|l| l.starts_with("m=") || l.contains("mid")).collect();
    assert_eq!(
        lines,
        [
            "m=audio 0 UDP/TLS/RTP/SAVPF 111 63",
            "a=mid:a",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            "a=mid:old",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "a=mid:d",
        ]
    );
    assert!(answer.contains("a=group:BUNDLE d\r\n"));
    assert!(answer.contains("a=inactive\r\n"));
}

#[test]
fn a_rejected_section_is_not_an_answer() {
    let answer = LIBDATACHANNEL.replace("m=application 9 ", "m=application 0 ");
    assert_eq!(Description::parse(&answer).unwrap_err(), REJECTED);
    assert_eq!(Description::parse(&Origin::new(7).rejection()).unwrap_err(), REJECTED);
}

#[test]
fn the_first_256_candidates_count() {
    let line = |index| format!("a=candidate:{index} 1 udp 1 192.0.2.1 5000 typ host\r\n");
    let sdp = CHROMIUM.to_owned() + &(0..300).map(line).collect::<String>();
    let candidates = Description::parse(&sdp).unwrap().candidates;
    assert_eq!(candidates.len(), 256);
    assert!(candidates[255].starts_with("candidate:255 "));
}

#[test]
fn blanks_that_mean_nothing_are_skipped() {
    let sdp =
        CHROMIUM.replace("actpass", "actpass ").replace("sctp-port:5000", "sctp-port: 5000\t");
    let sdp = sdp.replace("size:262144", "size: 262144 ").replace("a=mid:0", "a=mid:0 ");
    let sdp = sdp.replace("webrtc-datachannel", "webrtc-datachannel ");
    assert_ne!(sdp, CHROMIUM);
    assert_eq!(Description::parse(&sdp), Description::parse(CHROMIUM));
}

/// As browsers wrote it before 2019.
#[test]
fn the_old_form_is_understood_and_answered_in_kind() {
    let old = |port: &str| {
        let section = format!("m=application 9 DTLS/SCTP {port}");
        CHROMIUM
            .replace("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", &section)
            .replace("a=sctp-port:5000", &format!("a=sctpmap:{port} webrtc-datachannel 1024"))
    };
    let new = Description::parse(CHROMIUM).unwrap();
    let offer = Description::parse(&old("5000")).unwrap();
    assert_eq!((&offer.parameters, offer.mid()), (&new.parameters, new.mid()));
    let offer = Description::parse(&old("5001")).unwrap();
    assert_eq!(offer.parameters.sctp_port, 5001);
    let answer = Origin::new(7).answer(&offer, &ours());
    assert!(answer.contains("\r\nm=application 9 DTLS/SCTP 5000\r\n"), "{answer}");
    assert!(answer.contains("\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n"), "{answer}");
    assert!(!answer.contains("sctp-port"), "{answer}");
    assert_eq!(Description::parse(&answer).unwrap().parameters, ours());
    for (from, to) in [("sctpmap:5000", "sctpmap:5001"), ("sctpmap:5000 webrtc", "sctpmap:5000 x")]
    {
        assert!(Description::parse(&old("5000").replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn malformed_and_hostile_descriptions_are_refused() {
    let without = |line: &str| {
        let kept: Vec<_> = CHROMIUM.lines().filter(|l| !l.starts_with(line)).collect();
        kept.join("\r\n")
    };
    let with = |line: &str| format!("{CHROMIUM}{line}\r\n");
    let long = "x".repeat(300);
    let cases = [
        (String::new(), "v=0"),
        ("\0\0\0".into(), "v=0"),
        (without("m="), "m=application"),
        (without("a=ice-ufrag"), "ice-ufrag"),
        (without("a=ice-pwd"), "ice-pwd"),
        (without("a=fingerprint"), "fingerprint"),
        (CHROMIUM.replace("a=ice-ufrag:M5Yx", "a=ice-ufrag:M5Y"), "ice-ufrag"),
        (CHROMIUM.replace("a=ice-ufrag:M5Yx", &format!("a=ice-ufrag:{long}")), "ice-ufrag"),
        (CHROMIUM.replace("a=ice-pwd:q4OZ", "a=ice-pwd:q4 Z"), "ice-pwd"),
        (CHROMIUM.replace("actpass", "holdconn"), "setup"),
        (CHROMIUM.replace("sctp-port:5000", "sctp-port:0"), "sctp-port"),
        (CHROMIUM.replace("sctp-port:5000", "sctp-port:+5000"), "sctp-port"),
        (CHROMIUM.replace("sctp-port:5000", "sctp-port:70000"), "sctp-port"),
        (CHROMIUM.replace("size:262144", "size:-1"), "max-message-size"),
        (CHROMIUM.replace("size:262144", "size:511"), "max-message-size"),
        (CHROMIUM.replace("a=mid:0", &format!("a=mid:{long}")), "mid"),
        (CHROMIUM.replace("a=mid:0", "a=mid:0 1"), "mid"),
        (with("m=audio 9"), "m= line"),
        (with("nonsense"), "\"=\""),
        (with(&"a=fingerprint:x\r\n".repeat(1000)), "fingerprints"),
        (with(&"m=audio 9 RTP/AVP 0\r\n".repeat(1000)), "sections"),
        (with(&format!("a=x:{}", "y".repeat(1 << 20))), "64 KiB"),
    ];
    for (sdp, expected) in cases {
        let error = Description::parse(&sdp).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} does not mention {expected:?}");
    }
}

/// Nothing but the first section for data channels counts.
#[test]
fn numbers_that_are_too_large_are_as_good_as_no_limit() {
    let sdp = CHROMIUM.replace("size:262144", "size:18446744073709551615");
    let size = Description::parse(&sdp).unwrap().parameters.max_message_size;
    assert_eq!(size, Some(usize::MAX));
}
