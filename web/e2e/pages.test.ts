// Every page, in every look: it comes up without a policy violation, fits its screen, and has no serious defect for those
// who do not see it.
import { describe } from "node:test";
import { wantAccessible, wantNoSidewaysScroll } from "./harness/accessibility";
import { browserTest, goes, looks } from "./harness/browser";
import { pages, world } from "./harness/world";

describe("every page", () => {
  for (const look of looks) {
    browserTest(look.name, async ({ go, page, wantClean }) => {
      const problems: string[] = [];
      for (const { name, path } of pages(await world())) {
        const tried = async (check: () => Promise<void>) => check().catch((e: Error) => problems.push(`${name}: ${e.message}`));
        await tried(async () => {
          await go(path);
          await goes(page.getByRole("status", { name: "Loading" }), 5_000);
        });
        if (look.phone) await tried(() => wantNoSidewaysScroll(page));
        await tried(() => wantAccessible(page, look.dark));
        await tried(wantClean);
      }
      if (problems.length > 0) throw new Error(problems.join("\n"));
    }, { look, timeout: 120_000 });
  }
});
