//! Channels as the association knows them.

use crate::client::engine::channels::ChannelOptions;
use crate::protocol::SignallingChannel;
use crate::rtc::association::ChannelConfig;

/// How the data channel is made that the signalling is handed over to.
// Spec: W-023 W-024 W-026 O-034 O-036 (Signalling Channel Handover)
pub(super) fn of_signalling(channel: &SignallingChannel) -> ChannelConfig {
    ChannelConfig {
        label: channel.label.into(),
        protocol: channel.protocol.into(),
        negotiated: Some(channel.id),
        ..ChannelConfig::default()
    }
}

/// How a channel of the application is made.
pub(super) fn of_application(options: ChannelOptions) -> ChannelConfig {
    ChannelConfig {
        label: options.label,
        protocol: options.protocol,
        ordered: options.ordered,
        reliability: options.reliability,
        negotiated: options.negotiated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ChannelFraming, SUBPROTOCOL};
    use crate::task::Reliability;
    use crate::task::webrtc::SIGNALLING_LABEL;

    /// Covers W-023 W-024 W-025 W-026.
    /// Covers O-033 O-034 O-036.
    #[test]
    fn the_signalling_channel_is_ordered_reliable_and_negotiated() {
        let channel = SignallingChannel {
            id: 7,
            label: SIGNALLING_LABEL,
            protocol: SUBPROTOCOL,
            framing: ChannelFraming::Whole,
        };
        let config = of_signalling(&channel);
        assert_eq!((&*config.label, &*config.protocol), (SIGNALLING_LABEL, SUBPROTOCOL));
        assert_eq!(config.negotiated, Some(7));
        assert!(config.ordered);
        assert_eq!(config.reliability, Reliability::Reliable);
    }
}
