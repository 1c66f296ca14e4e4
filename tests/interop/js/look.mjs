// How a page looks and reads on screens of several widths, light and dark: what axe-core finds, what is wider than
// the screen, and what axe-core does not look at: the contrast of placeholders and of the edges of fields.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const WIDTHS = [320, 390, 1280];
const HEIGHT = 800;
const SCREENSHOTS = fileURLToPath(new URL('../../../build/interop/page/', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Runs in the page. */
async function findings() {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`scrolls sideways: ${root.scrollWidth} px in ${root.clientWidth} px`);

  const visible = (element) => element.checkVisibility();
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\d.]+/g).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return color !== 'rgba(0, 0, 0, 0)' ? color : behind(element.parentElement);
  };
  const demand = (least, what, one, other) => {
    const is = contrast(one, other);
    if (is < least) found.push(`${what}: a contrast of ${is.toFixed(1)}, not ${least}`);
  };
  // WCAG 2.2: 1.4.3 for text, 1.4.11 for what shows where a control is.
  for (const field of [...document.querySelectorAll('input:not([type=file]), #drop')].filter(visible)) {
    if (field.placeholder) demand(4.5, `placeholder of ${field.id}`, getComputedStyle(field, '::placeholder').color, behind(field));
    demand(3, `edge of ${field.id}`, getComputedStyle(field).borderTopColor, behind(field.parentElement));
  }
  const { violations } = await globalThis.axe.run(document);
  for (const { id, help, nodes } of violations) {
    found.push(`${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
  }
  return found;
}

/** All that is wrong with the page as it is, as text. Screenshots are kept, with `name` in their names. */
export async function look(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe);
  const found = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const where = `${name}-${width}-${colorScheme}`;
      for (const finding of await page.evaluate(findings)) found.push(`${where}: ${finding}`);
      await page.screenshot({ path: `${SCREENSHOTS}${where}.png`, fullPage: true });
    }
  }
  return found;
}
