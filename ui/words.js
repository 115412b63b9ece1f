/** How values are said: numbers, prices, attribute names, colours. Plain values in, strings out. */

const integers = new Intl.NumberFormat();

/** 1234 -> "1,234", as the reader's own locale has it. */
export const sayCount = (count) => integers.format(count);

/** "812 items", "1 item". */
export const sayItems = (count) => `${sayCount(count)} ${count === 1 ? "item" : "items"}`;

/** A similarity with two digits and a real minus sign. */
export const sayScore = (score) => score.toFixed(2).replace("-", "\u2212");

const shares = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

/** 0.973 -> "97%", as the reader's own locale has it. A probability that is not certain is never said to be 100%. */
export const sayShare = (share) => shares.format(share < 1 ? Math.min(share, 0.99) : 1);

/** A part of a picture: "10 to 90% across, 50 to 100% down". */
export function sayRegion(region) {
  const [left, top, right, bottom] = region.map((share) => Math.round(share * 100));
  return `${left} to ${right}% across, ${top} to ${bottom}% down`;
}

/** Milliseconds: "1,204 ms", "under 1 ms". */
export const sayTook = (tookMs) => (tookMs < 1 ? "under 1 ms" : `${sayCount(Math.round(tookMs))} ms`);

/** An item's price with its currency, or null where it has none. */
export function sayPrice(item, name = "price") {
  const price = item[name];
  if (price === undefined || price === null || price === "") return null;
  if (typeof price !== "number") return String(price);
  const currency = item.price_currency;
  try {
    return new Intl.NumberFormat(undefined, currency ? { style: "currency", currency } : { minimumFractionDigits: 2 }).format(price);
  } catch {
    return `${price} ${currency}`; // a currency code that is none
  }
}

/** "product_type" -> "Product type", "baseColour" -> "Base colour". */
export function sayAttribute(name) {
  const words = name.replace(/_+/g, " ").replace(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase().trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A value of any attribute as text. */
export function sayValue(value) {
  if (Array.isArray(value)) return value.map(sayValue).join(", ");
  if (value !== null && typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** An item's title, or its id where the shop gave none. */
export const sayTitle = (item) => (item.title ? sayValue(item.title) : `Item ${item.id}`);

/** Bounds as a phrase: "10 to 50", "from 10", "up to 50". */
export function sayRange({ gte, gt, lte, lt }) {
  const low = gte ?? gt;
  const high = lte ?? lt;
  if (low !== undefined && high !== undefined) return `${low} to ${high}`;
  return low !== undefined ? `from ${low}` : `up to ${high}`;
}

// Names shops use, as colours for the little dot beside the name. The name always stands beside it: the dot is a help.
const SWATCHES = {
  beige: "#e3d5b8", black: "#1b1b1d", blue: "#2f62c8", bronze: "#8f6a3a", brown: "#74492c", burgundy: "#6d1a32",
  camel: "#c19a6b", charcoal: "#40454c", coffee: "#5b4032", copper: "#b3692f", coral: "#f2725f", cream: "#f7efd9",
  denim: "#3f5f8a", fuchsia: "#d0268f", gold: "#cfa638", green: "#2f8a48", grey: "#8d9095", indigo: "#3d3a8c",
  ivory: "#f6f1e2", khaki: "#a79a66", lavender: "#b9a6dc", lime: "#a5d030", magenta: "#c7258a", maroon: "#711f2b",
  mauve: "#a781a6", mint: "#a8dcc2", mustard: "#d3a027", navy: "#1d2c56", nude: "#e0bfa5", olive: "#727434",
  orange: "#ee7d22", peach: "#f9c3a2", pink: "#ee88ae", plum: "#6b2f5e", purple: "#7341a5", red: "#cc2b2b",
  rose: "#dd6d87", rust: "#a84a24", salmon: "#f2917d", silver: "#c3c7cc", skin: "#e6bd9d", steel: "#76838f",
  tan: "#cba77d", taupe: "#897b6d", teal: "#1e7c7c", turquoise: "#3abfb6", white: "#ffffff", yellow: "#f3cd2f",
};

/** A CSS colour for a colour's name, or null: the last word that is known counts ("Navy Blue" is looked up whole first). */
export function findSwatch(name) {
  const words = name.toLowerCase().replaceAll("gray", "grey").split(/[^a-z]+/).filter(Boolean);
  if (words.includes("navy")) return SWATCHES.navy;
  for (const word of words.reverse()) if (Object.hasOwn(SWATCHES, word)) return SWATCHES[word];
  return null;
}

/** Whether an attribute holds colours, by its name. */
export const isColor = (name) => /colou?r/i.test(name);
