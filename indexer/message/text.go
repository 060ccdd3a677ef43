package message

import "unicode/utf8"

// CodePoints gives the offset in Unicode code points of the byte offset in text,
// which is how offsets stand in JSON. An offset past the end counts as the end.
func CodePoints(text string, byteOffset int) int {
	return utf8.RuneCountInString(text[:min(max(byteOffset, 0), len(text))])
}

// ZoneText gives the text of one zone.
func (m *Message) ZoneText(z Zone) string { return m.Text[z.Start:z.End] }

// ZonesOf lists the zones of one kind, in order.
func (m *Message) ZonesOf(kind ZoneKind) []Zone {
	var zs []Zone
	for _, z := range m.Zones {
		if z.Kind == kind {
			zs = append(zs, z)
		}
	}
	return zs
}
