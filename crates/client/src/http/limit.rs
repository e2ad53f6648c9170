//! How often a caller may ask: with a token as often as that may, else as its address may.

use std::num::NonZeroU32;
use std::sync::Arc;

use service::{CallerKey, CallerLimit, RateLimit, caller_ip};

use crate::app_tokens::AppTokens;
use crate::config::Config;

/// `None` if nobody is bounded.
pub(super) fn of_callers(config: &Config, tokens: Option<Arc<AppTokens>>) -> Option<CallerLimit> {
    let of_addresses = NonZeroU32::new(config.limit_per_minute).map(RateLimit::per_minute);
    if of_addresses.is_none() && tokens.is_none() {
        return None;
    }
    let proxies = config.proxies.clone();
    Some(Arc::new(move |extensions, headers| {
        if let Some(token) =
            tokens.as_ref().and_then(|tokens| tokens.of_request(extensions, headers))
        {
            return token.check();
        }
        let Some(limit) = &of_addresses else { return Ok(()) };
        limit.check(&CallerKey::of(caller_ip(extensions, headers, &proxies)))
    }))
}
