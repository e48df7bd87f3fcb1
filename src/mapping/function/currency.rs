//! `currency(n)`: an amount whose element names its currency, as each amount of UBL and cXML does. An entity has one
//! currency, and an amount in another one is not its.

use super::{Beside, Function, Outcome, Spot};
use crate::entity::Value;

pub struct Currency;

impl Function for Currency {
    fn name(&self) -> &'static str {
        "currency"
    }

    fn help(&self) -> &'static str {
        "currency(n): an amount with its currency in component n; on writing the entity's currency is put there. On reading \
         an amount in another currency than the document's is refused; where the document says none, the component stays for \
         the extensions."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("2", r#""12.50""#, r#""12.50""#)]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        let Some(own) = spot.currency else { return Ok(Some(wire)) };
        match spot.look(component(arguments)) {
            found if found.is_empty() || found == own => Ok(Some(wire)),
            found => Err(format!("an amount in {own}, the currency of the document, not in {found}")),
        }
    }

    fn get_text(&self, arguments: &[String], wire: &[u8], spot: &Spot<'_>, text: &mut Vec<u8>) -> bool {
        let is_own = |own: &str| {
            let found = spot.look(component(arguments));
            found.is_empty() || found == own
        };
        let is_taken = spot.currency.is_none_or(is_own);
        if is_taken {
            text.extend_from_slice(wire);
        }
        is_taken
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let currency = spot.entity.and_then(|entity| entity.fields.get("currency")).and_then(Value::as_str);
        if let (Some(_), Some(currency)) = (&value, currency) {
            spot.written.borrow_mut().push((component(arguments), currency.to_owned()));
        }
        Ok(value)
    }
}

fn component(arguments: &[String]) -> Beside {
    Beside::Component(arguments.first().and_then(|number| number.parse().ok()).unwrap_or(2))
}
