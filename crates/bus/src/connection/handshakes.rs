//! Subscribing at the start of a connection, and disconnecting at its clean end.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Disconnect, DisconnectReasonCode, Filter, RetainForwardRule, SubAck, Subscribe,
    SubscribeProperties, SubscribeReasonCode,
};
use tokio::time::Instant;

use super::in_flight::Content;
use super::inbox::LIVE_SUBSCRIPTION;
use super::{Connection, Reason};
use crate::clock;
use crate::presence::PresencePublisher;

impl Connection<'_> {
    /// Subscribes to everything, also if the broker knew the session: its subscriptions may be
    /// those of an older program. Deliveries that arrive before the answer are handled.
    pub(super) async fn subscribe(&mut self) -> Result<(), Reason> {
        let options = self.options;
        let can_tell = self.limits.subscription_identifiers;
        let as_published = if can_tell { options.as_published.as_slice() } else { &[] };
        let filter = |path: &str| Filter {
            preserve_retain: as_published.iter().any(|one| one == path),
            ..Filter::new(path, QoS::AtLeastOnce)
        };
        let filters: Vec<Filter> = self.filters().map(filter).collect();
        if filters.is_empty() {
            return Ok(());
        }
        let mut sent = vec![self.write_subscribe(filters, None, Content::Subscribe)?];
        if !as_published.is_empty() {
            // Takes the place of the first one, which had the retained messages sent. The broker
            // forgets no message in between.
            let never = RetainForwardRule::Never;
            let live =
                |path: &String| Filter { retain_forward_rule: never.clone(), ..filter(path) };
            let filters = as_published.iter().map(live).collect();
            let identifier = Some(LIVE_SUBSCRIPTION);
            sent.push(self.write_subscribe(filters, identifier, Content::Subscribe)?);
        }
        for pkid in sent {
            self.wait_for_answer(pkid).await?;
        }
        Ok(())
    }

    /// Appends a SUBSCRIBE to what is sent next; its packet id.
    pub(super) fn write_subscribe(
        &mut self,
        filters: Vec<Filter>,
        identifier: Option<usize>,
        content: fn(Vec<String>) -> Content,
    ) -> Result<u16, Reason> {
        let paths = filters.iter().map(|filter| filter.path.clone()).collect();
        let properties =
            identifier.map(|id| SubscribeProperties { id: Some(id), user_properties: Vec::new() });
        let mut subscribe = Subscribe::new_many(filters, properties);
        subscribe.pkid = self.in_flight.insert(content(paths), Instant::now());
        subscribe.write(&mut self.outgoing)?;
        Ok(subscribe.pkid)
    }

    pub(super) fn on_suback(&mut self, suback: &SubAck) -> Result<(), Reason> {
        let filters = match self.in_flight.remove_request(suback.pkid) {
            Some(Content::Subscribe(filters)) => filters,
            Some(Content::SubscribeOnDemand(filters)) => {
                return self.on_demand_suback(&filters, &suback.return_codes);
            }
            _ => return Err(Reason::Unexpected),
        };
        if suback.return_codes.len() != filters.len() {
            return Err(Reason::Unexpected);
        }
        let mut result = Ok(());
        for (filter, code) in filters.iter().zip(&suback.return_codes) {
            if !matches!(code, SubscribeReasonCode::Success(_)) {
                result = Err(Reason::SubscribeRefused);
                let mqtt_id = &self.options.mqtt_id;
                tracing::error!(mqtt_id, filter, reason = ?code, "subscription refused");
            }
        }
        result
    }

    /// Logs whether others can see this program, when that has changed.
    pub(super) fn report_presence(&mut self) {
        let presence = self.presence.as_mut();
        let Some(problem) = presence.and_then(PresencePublisher::changed_problem) else { return };
        if let Some(problem) = &problem {
            tracing::error!(mqtt_id = self.options.mqtt_id, "{problem}");
        }
        self.state.set_problem(problem);
    }

    /// The subscriptions, and the program's own presence topic to see what contradicts it.
    fn filters(&self) -> impl Iterator<Item = &str> {
        let own = self.presence.as_ref().map(|presence| presence.topic.as_str());
        self.options.subscriptions.iter().map(String::as_str).chain(own)
    }

    /// Acknowledges what is done, publishes the offline presence and disconnects, so that the
    /// broker does not publish the Last Will.
    pub(super) async fn disconnect(&mut self) -> Result<(), Reason> {
        self.inbox.acks.take_all_done(&mut self.ready_acks);
        self.write_acks()?;
        let offline = self.presence.as_ref().map(|presence| presence.offline_since(clock::now()));
        if let Some(pkid) = self.publish_presence(offline)? {
            self.wait_for_answer(pkid).await?;
        }
        Disconnect::new(DisconnectReasonCode::NormalDisconnection).write(&mut self.outgoing)?;
        self.write()?;
        while self.is_unwritten {
            self.writer.writable().await;
            self.write()?;
        }
        Ok(())
    }
}
