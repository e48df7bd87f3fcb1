//! What the parts of an XML document are called: paths of elements instead of tags and numbers, and what the definition says
//! of each element and attribute.

use super::SegmentPart;
use crate::codec::content::Projected;
use crate::standard::content::{Content, Markup};
use crate::tree::DraftSegment;

/// Gives the segments that a document was laid out as the names, places and definitions of its elements.
pub fn name(segments: &mut [SegmentPart], projected: &Projected, markup: &Markup) {
    for (row, segment) in segments.iter_mut().enumerate() {
        let (path, offset, length, line) = projected.origin(row);
        (segment.offset, segment.length, segment.line) = (offset, length, line);
        path.clone_into(&mut segment.place);
        segment.text = path.rsplit('/').next().unwrap_or_default().to_owned();
        let steps: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        let content = content_at(markup, &steps);
        segment.name = content.map_or(String::new(), |content| content.name.clone());
        for element in &mut segment.elements {
            let component = element.component.max(1);
            element.place = format!("/{}/{}", markup.root, markup.place(&steps, element.element, component));
            let part = content.and_then(|content| content.part_of(element.element));
            let holder = part.and_then(|part| markup.contents.get(&part.content).map(|content| &**content)).or(content);
            let attribute = holder.and_then(|holder| holder.attributes.get(usize::from(component).checked_sub(2)?));
            let (name, usage, form) = match (attribute, part) {
                (Some(attribute), _) => (format!("@{}", attribute.name), attribute.usage, Some(attribute.form)),
                (None, Some(part)) => (part.name.clone(), part.usage, holder.and_then(|holder| holder.text)),
                (None, None) => (
                    segment.tag.clone(),
                    crate::standard::definition::Usage::Required,
                    holder.and_then(|holder| holder.text),
                ),
            };
            element.name = name;
            element.usage = Some(usage.name());
            element.form = form.map_or(String::new(), |form| form.name().to_owned());
        }
    }
}

fn content_at<'m>(markup: &'m Markup, steps: &[String]) -> Option<&'m Content> {
    let names: Vec<&str> = steps.iter().skip(1).map(|step| step.split('[').next().unwrap_or_default()).collect();
    markup.contents.follow(&markup.content, &names).map(|content| &**content)
}

/// The paths of the elements that drafts are written as.
pub fn paths(segments: &[DraftSegment]) -> Vec<Vec<String>> {
    let mut open: Vec<(String, u16)> = Vec::new();
    let mut found = Vec::with_capacity(segments.len());
    for segment in segments {
        open.retain(|(_, depth)| *depth < segment.depth);
        open.push((segment.tag.to_string(), segment.depth));
        found.push(open.iter().map(|(tag, _)| tag.clone()).collect());
    }
    found
}
