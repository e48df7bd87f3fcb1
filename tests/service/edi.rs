//! Interchanges that the tests send.

/// One order, as an interchange of North Stores.
pub fn order(number: &str, control: u32) -> Vec<u8> {
    written(&Order { number, control, ..Order::default() })
}

/// What can be wrong with an order.
pub struct Order<'o> {
    pub number: &'o str,
    pub control: u32,
    pub sender: &'o str,
    pub kind: &'o str,
    pub quantity: &'o str,
    pub usage: char,
    /// Segments from ST to SE, as SE01 says.
    pub segments: u32,
}

impl Default for Order<'_> {
    fn default() -> Self {
        Order {
            number: "4711",
            control: 1,
            sender: "NORTHSTORES",
            kind: "850",
            quantity: "120",
            usage: 'P',
            segments: 7,
        }
    }
}

pub fn written(order: &Order<'_>) -> Vec<u8> {
    let Order { number, control, sender, kind, quantity, usage, segments } = order;
    format!(
        "ISA*00*          *00*          *ZZ*{sender:<15}*ZZ*PORTOLAN       *261124*0915*U*00401*{control:09}*0*{usage}*>~\n\
         GS*PO*{sender}*PORTOLAN*20261124*0915*{control}*X*004010~\n\
         ST*{kind}*0001~\n\
         BEG*00*SA*{number}**20261124~\n\
         N1*BY*North Stores*92*1000~\n\
         N1*ST*North Stores DC East*UL*4012345000016~\n\
         PO1*1*{quantity}*EA*4.25**UP*012345678905~\n\
         CTT*1~\n\
         SE*{segments}*0001~\n\
         GE*1*{control}~\n\
         IEA*1*{control:09}~\n"
    )
    .into_bytes()
}

/// The number of the order in an ORDERS or 850 that a partner got, and nothing for an acknowledgment.
pub fn number_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let after = |mark: &str| text.find(mark).map(|at| text[at + mark.len()..].to_owned());
    let rest = after("BGM+220+").or_else(|| after("BEG*00*SA*"))?;
    Some(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect())
}

/// Interchange control number (ISA13 or UNB 0020) of what a partner got.
pub fn control_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let element = match text.find("UNB+") {
        Some(at) => text[at..].split('+').nth(5).unwrap_or_default(),
        None => text.split('*').nth(13).unwrap_or_default(),
    };
    element.chars().take_while(char::is_ascii_digit).collect()
}
