<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>Fovea</name>
    <message>
        <source> pixels</source>
        <translation> Pixel</translation>
    </message>
    <message>
        <source>&amp;Budget</source>
        <translation>&amp;Budget</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>&amp;Datei</translation>
    </message>
    <message>
        <source>&amp;Folder</source>
        <translation>&amp;Ordner</translation>
    </message>
    <message>
        <source>&amp;Name</source>
        <translation>&amp;Name</translation>
    </message>
    <message>
        <source>&amp;Size</source>
        <translation>&amp;Größe</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>&amp;Ansicht</translation>
    </message>
    <message>
        <source>100 %</source>
        <translation>100 %</translation>
    </message>
    <message>
        <source>As the original</source>
        <translation>Wie das Original</translation>
    </message>
    <message>
        <source>Attention map</source>
        <translation>Aufmerksamkeit</translation>
    </message>
    <message>
        <source>B&amp;atch</source>
        <translation>&amp;Stapel</translation>
    </message>
    <message>
        <source>Better</source>
        <translation>Besser</translation>
    </message>
    <message>
        <source>Budget</source>
        <translation>Budget</translation>
    </message>
    <message>
        <source>Budget, in per cent of all there is to do</source>
        <translation>Budget in Prozent des gesamten Aufwands</translation>
    </message>
    <message>
        <source>Budget, one of {}</source>
        <translation>Budget, eines von: {}</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Choose a picture on the left.</source>
        <translation>Wählen Sie links ein Bild aus.</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>Auswählen…</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>Diese Meldung schließen</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Depth map</source>
        <translation>Tiefenkarte</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <source>Done before</source>
        <translation>Schon fertig</translation>
    </message>
    <message>
        <source>Drop a photo here</source>
        <translation>Foto hier ablegen</translation>
    </message>
    <message>
        <source>Error map</source>
        <translation>Fehlerkarte</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>Export all</source>
        <translation>Alle exportieren</translation>
    </message>
    <message>
        <source>Export all…</source>
        <translation>Alle exportieren…</translation>
    </message>
    <message>
        <source>Exported {}</source>
        <translation>{} wurde exportiert</translation>
    </message>
    <message>
        <source>Exporting {}…</source>
        <translation>{} wird exportiert…</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>Exportieren…</translation>
    </message>
    <message>
        <source>F&amp;ormat</source>
        <translation>&amp;Format</translation>
    </message>
    <message>
        <source>Failed: {}</source>
        <translation>Fehler: {}</translation>
    </message>
    <message>
        <source>Faster</source>
        <translation>Schneller</translation>
    </message>
    <message>
        <source>Fields: {}</source>
        <translation>Felder: {}</translation>
    </message>
    <message>
        <source>Files are still being exported.</source>
        <translation>Es werden noch Dateien exportiert.</translation>
    </message>
    <message>
        <source>Film strip</source>
        <translation>Filmstreifen</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>Einpassen</translation>
    </message>
    <message>
        <source>Folder for the upscaled pictures</source>
        <translation>Ordner für die hochskalierten Bilder</translation>
    </message>
    <message>
        <source>Fovea makes it four times as large and shows where the work goes.</source>
        <translation>Fovea vergrößert es auf das Vierfache und zeigt, wo gerechnet wird.</translation>
    </message>
    <message>
        <source>Fovea makes it three times as large and shows where the work goes.</source>
        <translation>Fovea vergrößert es auf das Dreifache und zeigt, wo gerechnet wird.</translation>
    </message>
    <message>
        <source>Fovea makes it twice as large and shows where the work goes.</source>
        <translation>Fovea vergrößert es auf das Doppelte und zeigt, wo gerechnet wird.</translation>
    </message>
    <message>
        <source>Fovea makes it {} times as large and shows where the work goes.</source>
        <translation>Fovea vergrößert es auf das {}-Fache und zeigt, wo gerechnet wird.</translation>
    </message>
    <message>
        <source>Full</source>
        <translation>Ganz</translation>
    </message>
    <message>
        <source>Height</source>
        <translation>Höhe</translation>
    </message>
    <message>
        <source>How long it takes</source>
        <translation>Wie lange es dauert</translation>
    </message>
    <message>
        <source>If you quit now, it is not written.</source>
        <translation>Wenn Sie jetzt beenden, wird nichts davon geschrieben.</translation>
    </message>
    <message>
        <source>K = {:,.0f} of {:,} cells</source>
        <translation>K = {:,.0f} von {:,} Zellen</translation>
    </message>
    <message>
        <source>Keep exporting</source>
        <translation>Weiter exportieren</translation>
    </message>
    <message>
        <source>Legend of the map</source>
        <translation>Legende der Karte</translation>
    </message>
    <message>
        <source>Looking at the picture…</source>
        <translation>Das Bild wird untersucht…</translation>
    </message>
    <message>
        <source>Looking for pictures…</source>
        <translation>Bilder werden gesucht…</translation>
    </message>
    <message>
        <source>No program here opens {}; look at it by hand.</source>
        <translation>Kein Programm auf diesem Rechner öffnet {}; bitte sehen Sie selbst nach.</translation>
    </message>
    <message>
        <source>One speed only: there is no other network of this kind.</source>
        <translation>Nur eine Geschwindigkeit: Es gibt kein anderes Netz dieser Art.</translation>
    </message>
    <message>
        <source>Opacity</source>
        <translation>Deckkraft</translation>
    </message>
    <message>
        <source>Opacity of the map</source>
        <translation>Deckkraft der Karte</translation>
    </message>
    <message>
        <source>Open a folder of pictures</source>
        <translation>Ordner mit Bildern öffnen</translation>
    </message>
    <message>
        <source>Open folder…</source>
        <translation>Ordner öffnen…</translation>
    </message>
    <message>
        <source>Open pictures</source>
        <translation>Bilder öffnen</translation>
    </message>
    <message>
        <source>Open recent</source>
        <translation>Zuletzt geöffnet</translation>
    </message>
    <message>
        <source>Open report</source>
        <translation>Bericht öffnen</translation>
    </message>
    <message>
        <source>Opening the picture…</source>
        <translation>Das Bild wird geöffnet…</translation>
    </message>
    <message>
        <source>Opening {}…</source>
        <translation>{} wird geöffnet…</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>Öffnen…</translation>
    </message>
    <message>
        <source>Outlined cells are refined.</source>
        <translation>Umrandete Zellen werden verfeinert.</translation>
    </message>
    <message>
        <source>Output</source>
        <translation>Ausgabe</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>Einfügen</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>Eingefügtes Bild</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>Per cent</source>
        <translation>Prozent</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Pictures ({});;All files (*)</source>
        <translation>Bilder ({});;Alle Dateien (*)</translation>
    </message>
    <message>
        <source>Pixels of the screen for each pixel of the upscaled picture</source>
        <translation>Bildschirmpixel je Pixel des hochskalierten Bildes</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Progress of the export</source>
        <translation>Fortschritt des Exports</translation>
    </message>
    <message>
        <source>Quality</source>
        <translation>Qualität</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>Ersetzen</translation>
    </message>
    <message>
        <source>Replace files that are already there</source>
        <translation>Vorhandene Dateien ersetzen</translation>
    </message>
    <message>
        <source>Replacing it loses what it holds now.</source>
        <translation>Beim Ersetzen geht der bisherige Inhalt verloren.</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Retry failed</source>
        <translation>Fehlgeschlagene wiederholen</translation>
    </message>
    <message>
        <source>Scale</source>
        <translation>Faktor</translation>
    </message>
    <message>
        <source>Show folder</source>
        <translation>Ordner anzeigen</translation>
    </message>
    <message>
        <source>Show the original</source>
        <translation>Original zeigen</translation>
    </message>
    <message>
        <source>Show what it looks at</source>
        <translation>Zeigen, worauf das Netz achtet</translation>
    </message>
    <message>
        <source>Show where the work goes</source>
        <translation>Zeigen, wo gerechnet wird</translation>
    </message>
    <message>
        <source>Side</source>
        <translation>Nebeneinander</translation>
    </message>
    <message>
        <source>Side panel</source>
        <translation>Seitenleiste</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Something unexpected happened. Fovea goes on; please report the details below.</source>
        <translation>Etwas Unerwartetes ist geschehen. Fovea läuft weiter; bitte melden Sie die Einzelheiten unten.</translation>
    </message>
    <message>
        <source>Split</source>
        <translation>Geteilt</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>Starten</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Stoppen</translation>
    </message>
    <message>
        <source>Stopped; what is done stays.</source>
        <translation>Gestoppt; was fertig ist, bleibt.</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>Wird gestoppt…</translation>
    </message>
    <message>
        <source>Take all files off the strip</source>
        <translation>Alle Dateien vom Streifen nehmen</translation>
    </message>
    <message>
        <source>Take off the strip</source>
        <translation>Vom Streifen nehmen</translation>
    </message>
    <message>
        <source>That is the source itself; choose another name.</source>
        <translation>Das ist die Quelldatei selbst; bitte wählen Sie einen anderen Namen.</translation>
    </message>
    <message>
        <source>The export was stopped; nothing was written.</source>
        <translation>Der Export wurde gestoppt; es wurde nichts geschrieben.</translation>
    </message>
    <message>
        <source>The weights {} cannot be used.</source>
        <translation>Die Gewichte {} können nicht verwendet werden.</translation>
    </message>
    <message>
        <source>There is no picture on the clipboard.</source>
        <translation>In der Zwischenablage ist kein Bild.</translation>
    </message>
    <message>
        <source>There is not enough memory for this picture; close other programs or reduce it first.</source>
        <translation>Der Speicher reicht für dieses Bild nicht aus; bitte schließen Sie andere Programme oder verkleinern Sie das Bild vorher.</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Dauer</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>Try the sample</source>
        <translation>Beispiel ausprobieren</translation>
    </message>
    <message>
        <source>Upscaler</source>
        <translation>Hochskalierung</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <source>What is done stays, and the same export goes on from there.</source>
        <translation>Was fertig ist, bleibt; derselbe Export macht später dort weiter.</translation>
    </message>
    <message>
        <source>Width</source>
        <translation>Breite</translation>
    </message>
    <message>
        <source>Writing…</source>
        <translation>Wird geschrieben…</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>Vergrößern</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>Verkleinern</translation>
    </message>
    <message>
        <source>about {}</source>
        <translation>etwa {}</translation>
    </message>
    <message>
        <source>all {:,} cells, refined at once</source>
        <translation>alle {:,} Zellen, auf einmal verfeinert</translation>
    </message>
    <message>
        <source>attention {:.3f} at {}, {}</source>
        <translation>Aufmerksamkeit {:.3f} bei {}, {}</translation>
    </message>
    <message>
        <source>blocks</source>
        <translation>Blöcke</translation>
    </message>
    <message>
        <source>d = {:.1f}</source>
        <translation>d = {:.1f}</translation>
    </message>
    <message>
        <source>depth {:g} at {}, {}</source>
        <translation>Tiefe {:g} bei {}, {}</translation>
    </message>
    <message>
        <source>error {:.3f} at {}, {}</source>
        <translation>Fehler {:.3f} bei {}, {}</translation>
    </message>
    <message>
        <source>estimated remaining error</source>
        <translation>geschätzter verbleibender Fehler</translation>
    </message>
    <message>
        <source>fast</source>
        <translation>schnell</translation>
    </message>
    <message>
        <source>full</source>
        <translation>voll</translation>
    </message>
    <message>
        <source>high-frequency attention</source>
        <translation>Aufmerksamkeit für feine Details</translation>
    </message>
    <message>
        <source>mean depth {:.1f} of {:g} blocks</source>
        <translation>mittlere Tiefe {:.1f} von {:g} Blöcken</translation>
    </message>
    <message>
        <source>pasted.png</source>
        <translation>Eingefügt.png</translation>
    </message>
    <message>
        <source>processor, {}</source>
        <translation>Prozessor, {}</translation>
    </message>
    <message>
        <source>size unknown</source>
        <translation>Größe unklar</translation>
    </message>
    <message>
        <source>the whole network at every pixel</source>
        <translation>das ganze Netz an jedem Pixel</translation>
    </message>
    <message>
        <source>they stay as they are</source>
        <translation>sie bleiben, wie sie sind</translation>
    </message>
    <message>
        <source>those made otherwise are replaced</source>
        <translation>anders erzeugte werden ersetzt</translation>
    </message>
    <message>
        <source>took {}</source>
        <translation>dauerte {}</translation>
    </message>
    <message>
        <source>unknown until the first picture</source>
        <translation>unbekannt bis zum ersten Bild</translation>
    </message>
    <message>
        <source>{:,.1f} megapixels</source>
        <translation>{:,.1f} Megapixel</translation>
    </message>
    <message>
        <source>{:.0f} kB</source>
        <translation>{:.0f} kB</translation>
    </message>
    <message>
        <source>{:.0f} min</source>
        <translation>{:.0f} min</translation>
    </message>
    <message>
        <source>{:.0f} s</source>
        <translation>{:.0f} s</translation>
    </message>
    <message>
        <source>{:.1f} GB</source>
        <translation>{:.1f} GB</translation>
    </message>
    <message>
        <source>{:.1f} MB</source>
        <translation>{:.1f} MB</translation>
    </message>
    <message>
        <source>{:.1f} s</source>
        <translation>{:.1f} s</translation>
    </message>
    <message>
        <source>{}  ·  waiting</source>
        <translation>{}  ·  wartet</translation>
    </message>
    <message>
        <source>{} exists already.</source>
        <translation>{} gibt es schon.</translation>
    </message>
    <message>
        <source>{} failed</source>
        <translation>{} fehlgeschlagen</translation>
    </message>
    <message>
        <source>{} h {} min</source>
        <translation>{} h {} min</translation>
    </message>
    <message>
        <source>{} holds no pictures that Fovea can read.</source>
        <translation>{} enthält keine Bilder, die Fovea lesen kann.</translation>
    </message>
    <message>
        <source>{} is not there any more.</source>
        <translation>{} ist nicht mehr da.</translation>
    </message>
    <message>
        <source>{} is still being exported.</source>
        <translation>{} wird noch exportiert.</translation>
    </message>
    <message>
        <source>{} left</source>
        <translation>noch {}</translation>
    </message>
    <message>
        <source>{} of the full compute</source>
        <translation>{} des vollen Rechenaufwands</translation>
    </message>
    <message>
        <source>{} of unknown size</source>
        <translation>{} von unbekannter Größe</translation>
    </message>
    <message>
        <source>{} of {} are there already; {}</source>
        <translation>{} von {} sind schon da; {}</translation>
    </message>
    <message>
        <source>{} of {} cannot be made: {}</source>
        <translation>{} von {} können nicht erzeugt werden: {}</translation>
    </message>
    <message>
        <source>{} of {} done</source>
        <translation>{} von {} fertig</translation>
    </message>
    <message>
        <source>{} passed over</source>
        <translation>{} übergangen</translation>
    </message>
    <message>
        <source>{} uncompressed</source>
        <translation>{} unkomprimiert</translation>
    </message>
    <message>
        <source>{} × the original</source>
        <translation>{} × Original</translation>
    </message>
    <message>
        <source>{}, as the slider says</source>
        <translation>{}, wie am Regler eingestellt</translation>
    </message>
    <message numerus="yes">
        <source>{} pictures</source>
        <translation>
            <numerusform>{} Bild</numerusform>
            <numerusform>{} Bilder</numerusform>
        </translation>
    </message>
</context>
</TS>
