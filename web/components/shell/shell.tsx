"use client";

import * as Dialog from "@radix-ui/react-dialog";
import { CircleUser, LogOut, Menu as MenuIcon, X } from "lucide-react";
import { usePathname } from "next/navigation";
import { Suspense, useState, type ReactNode } from "react";
import { SupersededToasts } from "@/components/deployment/superseded";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/empty";
import { Menu, MenuItem } from "@/components/ui/menu";
import { ToastProvider } from "@/components/ui/toast";
import { LiveProvider } from "@/lib/live";
import { ConnectionBanner } from "./connection";
import { Brand, Nav } from "./nav";
import { SessionProvider, logout, useAbout, useUser } from "./session";
import { ThemeButton } from "./theme";

/** Shell is what is around every page. The login stands alone: nothing may be asked before it. */
export function Shell({ children }: { children: ReactNode }) {
  const path = usePathname();
  // Pages read their names from the address, which a static export does not know: hence the boundary.
  const page = <Suspense fallback={<Skeleton lines={6} />}>{children}</Suspense>;
  if (path === "/login") return page;
  return (
    <SessionProvider>
      <LiveProvider>
        <ToastProvider>
          <SupersededToasts />
          <a
            href="#content"
            className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-60 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2"
          >
            Skip to the content
          </a>
          <div className="lg:grid lg:min-h-dvh lg:grid-cols-[13.5rem_minmax(0,1fr)]">
            <Side />
            <div className="flex min-w-0 flex-col">
              <TopBar />
              <main id="content" tabIndex={-1} className="mx-auto w-full max-w-[100rem] flex-1 px-4 py-5 outline-none sm:px-6">
                {page}
              </main>
            </div>
          </div>
        </ToastProvider>
      </LiveProvider>
    </SessionProvider>
  );
}

function Side() {
  const about = useAbout();
  return (
    <div className="sticky top-0 hidden h-dvh flex-col gap-6 overflow-y-auto border-r bg-surface px-3 py-4 lg:flex">
      <div className="px-1.5">
        <Brand />
      </div>
      <Nav />
      <p className="mt-auto truncate px-2.5 font-mono text-xs text-ink-3" title={about?.version}>
        {about?.version}
      </p>
    </div>
  );
}

function TopBar() {
  return (
    <header className="sticky top-0 z-30 border-b bg-surface/95 backdrop-blur">
      <div className="flex h-14 items-center gap-2 px-4 sm:px-6">
        <PhoneNav />
        <div className="lg:hidden">
          <Brand />
        </div>
        <div className="ml-auto flex items-center gap-1">
          <ThemeButton />
          <UserMenu />
        </div>
      </div>
      <ConnectionBanner />
    </header>
  );
}

function PhoneNav() {
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger asChild>
        <Button look="quiet" size="icon" aria-label="Pages" className="-ml-2 lg:hidden">
          <MenuIcon aria-hidden className="size-5" />
        </Button>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-black/50" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 left-0 z-50 w-64 space-y-6 overflow-y-auto border-r bg-surface px-3 py-4 outline-none"
        >
          <div className="flex items-center justify-between px-1.5">
            <Dialog.Title className="font-semibold">Pages</Dialog.Title>
            <Dialog.Close asChild>
              <Button look="quiet" size="icon" aria-label="Close">
                <X aria-hidden className="size-4" />
              </Button>
            </Dialog.Close>
          </div>
          <Nav onChoose={() => setOpen(false)} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function UserMenu() {
  const user = useUser();
  return (
    <Menu
      trigger={
        <Button look="quiet" className="max-w-48 px-2.5" aria-label={`Signed in as ${user}`}>
          <CircleUser aria-hidden className="size-4 shrink-0" />
          <span className="truncate">{user}</span>
        </Button>
      }
    >
      <MenuItem onSelect={() => void logout()}>
        <LogOut aria-hidden className="size-4" /> Log out
      </MenuItem>
    </Menu>
  );
}
