import { Compass } from "lucide-react";
import { ButtonLink } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/card";
import { Empty } from "@/components/ui/empty";

export default function NotFound() {
  return (
    <>
      <PageHeader title="No such page" />
      <Empty
        icon={Compass}
        title="There is nothing at this address"
        action={
          <ButtonLink href="/" look="primary">
            To the sandboxes
          </ButtonLink>
        }
      >
        It may be old, or mistyped.
      </Empty>
    </>
  );
}
