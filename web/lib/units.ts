const sizes = ["B", "K", "M", "G", "T"];

/** parseSize reads "512M", "1.5G", "64MiB" or a number of bytes, in powers of 1024 as Docker counts; undefined if it is none. */
export function parseSize(text: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?$/.exec(text.trim().toUpperCase());
  if (!m) return undefined;
  const power = m[2] ? sizes.indexOf(m[2]) : 0;
  return Math.floor(Number(m[1]) * 1024 ** power);
}

/** sizeText writes bytes as parseSize reads them: "512M", or the plain number where that would not be exact. */
export function sizeText(n: number | undefined): string {
  if (!n) return "";
  for (let power = 4; power > 0; power--) {
    const value = n / 1024 ** power;
    if (value >= 1 && Number.isInteger(value * 4)) return `${value}${sizes[power]}`;
  }
  return String(n);
}

/** memoryText is sizeText for people: what has no short form is rounded, as the CLI does: "476.8M". */
export function memoryText(n: number | undefined): string {
  const exact = sizeText(n);
  if (!n || exact.length <= "1023.5M".length) return exact;
  const power = Math.min(sizes.length - 1, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** power).toFixed(1)}${sizes[power]}`;
}

/** kibibytes writes a bound that is a whole number of them, as the documents do: "128 KiB". */
export function kibibytes(n: number): string {
  return `${n / 1024} KiB`;
}
