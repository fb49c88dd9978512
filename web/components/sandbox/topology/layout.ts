import type { Source } from "../words";

export interface Point {
  x: number;
  y: number;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Lane is the frame around those who answer: the sandbox, other URLs, the shared environment. */
export interface Lane {
  source: Source;
  box: Box;
}

export interface Row {
  name: string;
  source: Source;
  node: Box;
  target: Box;
  /** From the entry to the service. */
  reach: string;
  /** From the service to who answers. */
  road: string;
  /** Where the road's number stands. */
  label: Point;
}

export interface Layout {
  wide: boolean;
  /** Rows are so many that each has less room. */
  dense: boolean;
  width: number;
  height: number;
  client: Box;
  /** The gateway, or the router where there is none. */
  entry: Box;
  /** From the client to the entry. */
  way: string;
  wayLabel: Point;
  gateway?: { target: Box; road: string; label: Point; end: Point };
  rows: Row[];
  lanes: Lane[];
}

export interface Placed {
  name: string;
  source: Source;
}

const laneHead = 30; // height of a lane's title
const laneFoot = 6;
const laneGap = 14;
const inset = 6; // of a target in its lane

/** The narrowest width at which the picture goes from left to right; below it goes from top to bottom. */
export const wideFrom = 700;

/**
 * layout places the picture's parts in a given width. Services are in the order given, those of one source side by side;
 * each stands on one line with who answers for it, so lines never cross however many there are.
 */
export function layout(services: Placed[], hasGateway: boolean, width: number): Layout {
  return width >= wideFrom ? wideLayout(services, hasGateway, width) : tallLayout(services, hasGateway, width);
}

interface Column {
  nodeX: number;
  nodeW: number;
  targetX: number;
  targetW: number;
  pitch: number;
  nodeH: number;
}

/** rowsFrom stacks lanes from y on, and returns where they end. */
function rowsFrom(services: Placed[], y: number, c: Column, reach: (node: Box) => string) {
  const rows: Row[] = [];
  const lanes: Lane[] = [];
  for (const s of services) {
    let lane = lanes.at(-1);
    if (lane?.source !== s.source) {
      if (lane) y += laneFoot + laneGap;
      lane = { source: s.source, box: { x: c.targetX, y, w: c.targetW, h: laneHead + laneFoot } };
      lanes.push(lane);
      y += laneHead;
    }
    const top = y + (c.pitch - c.nodeH) / 2;
    const node = { x: c.nodeX, y: top, w: c.nodeW, h: c.nodeH };
    const target = { x: c.targetX + inset, y: top, w: c.targetW - 2 * inset, h: c.nodeH };
    const from = c.nodeX + c.nodeW;
    rows.push({
      name: s.name,
      source: s.source,
      node,
      target,
      reach: reach(node),
      road: `M${from} ${middle(node)}L${target.x} ${middle(node)}`,
      label: { x: (from + c.targetX) / 2, y: middle(node) },
    });
    y += c.pitch;
    lane.box.h = y + laneFoot - lane.box.y;
  }
  return { rows, lanes, end: lanes.length > 0 ? y + laneFoot : y };
}

function wideLayout(services: Placed[], hasGateway: boolean, width: number): Layout {
  const roomy = width >= 980;
  const dense = services.length > 8;
  const pitch = services.length > 14 ? 46 : dense ? 52 : 64;
  const nodeH = services.length > 14 ? 40 : dense ? 44 : 52;
  const clientW = roomy ? 116 : 60;
  const entryW = roomy ? 200 : 142;
  const nodeW = roomy ? 220 : 156;
  const gap = Math.min(roomy ? 120 : 64, Math.max(44, (width - clientW - entryW - nodeW - (roomy ? 260 : 196)) / 3));
  const targetX = clientW + entryW + nodeW + 3 * gap;
  const nodeX = clientW + entryW + 2 * gap;
  const entryX = clientW + gap;
  const column = { nodeX, nodeW, targetX, targetW: width - targetX, pitch, nodeH };
  const block = hasGateway ? 3 * 52 : 52; // the gateway, its road and its container stand on top of each other

  const draft = rowsFrom(services, 0, column, () => "");
  // The entry stands at the height of the services' middle, which is below the lanes' because of their titles.
  const [first, last] = [draft.rows[0], draft.rows.at(-1)];
  const center = first && last ? (middle(first.node) + middle(last.node)) / 2 : 26;
  const offset = Math.max(0, block / 2 + 12 - center); // the client is 12 higher than the entry
  const entry = { x: entryX, y: offset + center - block / 2, w: entryW, h: 52 };
  const height = Math.max(offset + draft.end, entry.y + block, middle(entry) + 38);
  const client = { x: 0, y: middle(entry) - 38, w: clientW, h: 76 };
  const start = entryX + entryW;
  const { rows, lanes } = rowsFrom(services, offset, column, (node) => curve(start, middle(entry), node.x, middle(node)));
  const target = { ...entry, y: entry.y + 104 };
  const stem = entryX + entryW / 2;
  return {
    wide: true,
    dense,
    width,
    height,
    client,
    entry,
    rows,
    lanes,
    way: `M${clientW} ${middle(entry)}L${entryX} ${middle(entry)}`,
    wayLabel: { x: clientW + gap / 2, y: middle(entry) },
    gateway: hasGateway
      ? {
          target,
          road: `M${stem} ${entry.y + 52}L${stem} ${target.y}`,
          label: { x: stem, y: entry.y + 78 },
          end: { x: stem, y: target.y },
        }
      : undefined,
  };
}

function tallLayout(services: Placed[], hasGateway: boolean, width: number): Layout {
  const trunk = 20;
  const gap = 26;
  const dense = services.length > 8;
  const pitch = dense ? 56 : 62;
  const nodeH = 50;
  const nodeW = Math.round((width - trunk - gap) * 0.45);
  const targetX = trunk + nodeW + gap;
  const column = { nodeX: trunk, nodeW, targetX, targetW: width - targetX, pitch, nodeH };
  const client = { x: 0, y: 0, w: width, h: 48 };
  const entry = { x: 0, y: 84, w: hasGateway ? trunk + nodeW : width, h: nodeH };
  const bottom = entry.y + entry.h;
  const stem = 9;
  const { rows, lanes, end } = rowsFrom(services, bottom + 22, column, (node) => {
    const y = middle(node);
    return `M${stem} ${bottom}L${stem} ${y - 8}Q${stem} ${y} ${stem + 8} ${y}L${node.x} ${y}`;
  });
  const target = { x: targetX, y: entry.y, w: width - targetX, h: nodeH };
  const center = (trunk + nodeW) / 2;
  return {
    wide: false,
    dense,
    width,
    height: Math.max(end, bottom),
    client,
    entry,
    rows,
    lanes,
    way: `M${center} 48L${center} ${entry.y}`,
    wayLabel: { x: center, y: 66 },
    gateway: hasGateway
      ? {
          target,
          road: `M${entry.w} ${middle(entry)}L${targetX} ${middle(entry)}`,
          label: { x: targetX - gap / 2, y: middle(entry) },
          end: { x: targetX, y: middle(entry) },
        }
      : undefined,
  };
}

/** between is the way from one service to another, around the left of both. */
export function between(from: Box, to: Box, wide: boolean): string {
  const out = Math.min(wide ? 40 : 16, 10 + Math.abs(middle(to) - middle(from)) / 6);
  const x = from.x;
  return `M${x} ${middle(from)}C${x - out} ${middle(from)} ${x - out} ${middle(to)} ${to.x} ${middle(to)}`;
}

function curve(x1: number, y1: number, x2: number, y2: number) {
  const bend = (x2 - x1) * 0.55;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function middle(b: Box) {
  return b.y + b.h / 2;
}
