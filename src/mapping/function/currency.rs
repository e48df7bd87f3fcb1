//! `currency(n)`: an amount whose element names its currency, as each amount of UBL and cXML does. A document has one
//! currency; on writing it is the entity's.

use super::{Beside, Function, Outcome, Spot};
use crate::entity::Value;

pub struct Currency;

impl Function for Currency {
    fn name(&self) -> &'static str {
        "currency"
    }

    fn help(&self) -> &'static str {
        "currency(n): an amount with its currency in component n; on writing the entity's currency is put there. On reading \
         the component is taken with the amount, since all amounts of a document are in its currency."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("2", r#""12.50""#, r#""12.50""#)]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        spot.look(component(arguments));
        Ok(Some(wire))
    }

    fn get_text(&self, arguments: &[String], wire: &[u8], spot: &Spot<'_>, text: &mut Vec<u8>) -> bool {
        spot.look(component(arguments));
        text.extend_from_slice(wire);
        true
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
