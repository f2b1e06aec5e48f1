/** Elements without a framework. */

type Child = Node | string | null;
type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void)>>;

/** An element with attributes and children. Functions under `on…` become listeners; false leaves an attribute out. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** Writes text only where it changed, so that screen readers and layout rest. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const ICONS = {
  play: '<path d="M8 5.5v13l11-6.5z" fill="currentColor"/>',
  stop: '<rect x="6.5" y="6.5" width="11" height="11" rx="1.5" fill="currentColor"/>',
  sound: '<path d="M4 9.5v5h3.2L12 18.5v-13L7.2 9.5z" fill="currentColor"/><path d="M15 8.8a4.6 4.6 0 0 1 0 6.4M17.6 6.2a8.2 8.2 0 0 1 0 11.6"/>',
  muted: '<path d="M4 9.5v5h3.2L12 18.5v-13L7.2 9.5z" fill="currentColor"/><path d="m15.5 9.5 5 5m0-5-5 5"/>',
  baton: '<path d="M7.2 16.8 20 4"/><circle cx="5.9" cy="18.1" r="2.3" fill="currentColor" stroke="none"/>',
  curve: '<path d="M4 4v16h16" stroke-width="1.3"/><path d="M7 15.5c2.4 0 2.6-7.5 5-7.5s2.2 5 4.2 5 1.8-4 3.8-6"/><circle cx="12" cy="8" r="1.700" fill="currentColor" stroke="none"/>',
  pointer: '<path d="m6 3.500 12.500 7.300-5.600 1.300-2.700 5.400z" fill="currentColor"/><path d="m13.200 13.300 3.800 6"/>',
  tap: '<circle cx="12" cy="12" r="3" fill="currentColor" stroke="none"/><circle cx="12" cy="12" r="6.200"/><path d="M4.200 6.500a9.500 9.500 0 0 0 0 11M19.800 6.500a9.500 9.500 0 0 1 0 11"/>',
  camera: '<rect x="3" y="6.500" width="12.500" height="11" rx="2"/><path d="m15.500 10.800 5.500-3v8.400l-5.500-3z" fill="currentColor"/>',
  gamepad: '<path d="M7.500 7h9c3 0 4.500 2.600 4.500 6.500 0 3-1 4.500-2.500 4.500S16 16 14.500 15h-5C8 16 7 18 5.500 18S3 16.500 3 13.500C3 9.600 4.500 7 7.500 7z"/><path d="M8.300 9.300v3.600M6.500 11.100h3.600"/><circle cx="16" cy="11.100" r="1.700" fill="currentColor" stroke="none"/>',
  phone: '<rect x="7" y="2.800" width="10" height="18.400" rx="2.200"/><path d="M10.500 18.300h3"/>',
  headset: '<path d="M3.500 8.500c0-1 .700-1.700 1.700-1.700h13.600c1 0 1.700.700 1.700 1.700v7c0 1-.700 1.700-1.700 1.700h-3.300c-.800 0-1.200-.400-1.600-1.200l-.500-1.100c-.600-1.200-2.200-1.200-2.800 0l-.500 1.100c-.400.800-.800 1.200-1.600 1.200H5.200c-1 0-1.700-.700-1.700-1.700z"/><path d="M6.500 6.800C8 5.300 10 4.600 12 4.600s4 .700 5.500 2.200"/>',
  hand: '<path d="M8.500 12.500V5.700a1.400 1.400 0 0 1 2.800 0v5.300-1.200a1.400 1.400 0 0 1 2.700 0v1.500a1.400 1.400 0 0 1 2.600 0v1.300a1.300 1.300 0 0 1 2.400 0v2.400c0 3.400-2 5.500-5.300 5.500-2.700 0-3.900-1-5.200-3.200l-2.800-4.500c-.900-1.500 1-2.800 2.100-1.500z"/>',
  menu: '<rect x="4" y="5" width="16" height="14" rx="2"/><path d="M7.500 9.500h9M7.500 12.500h9M7.500 15.500h5"/>',
  expand: '<path d="M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15"/>',
  people: '<circle cx="9" cy="8.2" r="3.1"/><path d="M3.5 19c.4-3.6 2.5-5.4 5.5-5.4s5.100 1.800 5.500 5.400"/><path d="M15.500 5.600a3 3 0 0 1 0 5.300M17 13.900c2.100.600 3.300 2.300 3.500 5.100"/>',
  score: '<path d="M4 6h16M4 10h16M4 14h16M4 18h16" stroke-width="1.1"/><ellipse cx="9" cy="16" rx="2.300" ry="1.700" fill="currentColor" stroke="none"/><path d="M11.200 16V7"/>',
} as const;

/** A line icon of 24 × 24 units; hidden from screen readers, so the button around it carries the label. */
export function icon(name: keyof typeof ICONS): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.7", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", class: "icon" })) {
    svg.setAttribute(key, value);
  }
  svg.innerHTML = ICONS[name];
  return svg;
}
